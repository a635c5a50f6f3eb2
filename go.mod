module github.com/rounds-sync/rounds

go 1.26
