package picture

import (
	"fmt"

	roundsv1 "github.com/rounds-sync/rounds/api/rounds/v1"
)

// Refused says why the bytes of a photo cannot count as evidence. The same bytes are refused again whenever they are tried.
type Refused struct {
	// Code is EMPTY, UNDECODABLE, TOO_LARGE, WRONG_TYPE or POLYGLOT.
	Code roundsv1.CheckCode
	// Zh and En say what is wrong, for the person who took the photo. They contain nothing of the photo's bytes.
	Zh, En string
	// Cause is what a decoder said, for the log of the server; may be nil.
	Cause error
}

// Error tells the code and the English sentence.
func (r *Refused) Error() string {
	if r.Cause != nil {
		return fmt.Sprintf("picture: %v: %s (%v)", r.Code, r.En, r.Cause)
	}
	return fmt.Sprintf("picture: %v: %s", r.Code, r.En)
}

// Unwrap returns what a decoder said.
func (r *Refused) Unwrap() error { return r.Cause }

// Text returns the sentence in the languages of the crews.
func (r *Refused) Text() *roundsv1.Text { return &roundsv1.Text{Zh: r.Zh, En: r.En} }

const (
	codeEmpty       = roundsv1.CheckCode_CHECK_CODE_EMPTY
	codeUndecodable = roundsv1.CheckCode_CHECK_CODE_UNDECODABLE
	codeTooLarge    = roundsv1.CheckCode_CHECK_CODE_TOO_LARGE
	codeWrongType   = roundsv1.CheckCode_CHECK_CODE_WRONG_TYPE
	codePolyglot    = roundsv1.CheckCode_CHECK_CODE_POLYGLOT
)

func refuse(code roundsv1.CheckCode, zh, en string) *Refused {
	return &Refused{Code: code, Zh: zh, En: en}
}

func empty() *Refused {
	return refuse(codeEmpty, "照片里没有数据。", "There are no bytes in the photo.")
}

func tooManyBytes(size, limit int64) *Refused {
	return refuse(codeTooLarge,
		fmt.Sprintf("照片有 %s，超过上限 %s。", mega(size), mega(limit)),
		fmt.Sprintf("The photo has %s; at most %s are taken.", mega(size), mega(limit)))
}

func tooManyPixels(w, h int, limit int64) *Refused {
	return refuse(codeTooLarge,
		fmt.Sprintf("照片为 %d × %d 像素，超过上限 %.1f 百万像素。", w, h, float64(limit)/1e6),
		fmt.Sprintf("The photo has %d by %d pixels; at most %.1f megapixels are decoded.", w, h, float64(limit)/1e6))
}

func tooMuchMemory(need, limit int64) *Refused {
	return refuse(codeTooLarge,
		fmt.Sprintf("解码照片需要 %s 内存，超过上限 %s。", mega(need), mega(limit)),
		fmt.Sprintf("Decoding the photo takes %s of memory; at most %s are given to one.", mega(need), mega(limit)))
}

func tooMuchWork(zh, en string) *Refused {
	return refuse(codeTooLarge, "照片的结构要求过多的计算（"+zh+"）。", "The photo's structure asks for too much work ("+en+").")
}

func truncated() *Refused {
	return refuse(codeUndecodable, "照片不完整：数据在图像结束之前中断。", "The photo is cut off: its bytes end before the image does.")
}

func malformed(zh, en string) *Refused {
	return refuse(codeUndecodable, "照片已损坏，无法解码："+zh+"。", "The photo is damaged and cannot be decoded: "+en+".")
}

func undecodable(cause error) *Refused {
	r := refuse(codeUndecodable, "照片已损坏，无法解码。", "The photo is damaged and cannot be decoded.")
	r.Cause = cause
	return r
}

func unknownType() *Refused {
	return refuse(codeUndecodable, "这不是可识别的照片（支持 JPEG、PNG、WebP、HEIC）。", "This is no photo that is known here (JPEG, PNG, WebP, HEIC).")
}

func foreignType(name string) *Refused {
	return refuse(codeWrongType, "文件实际是 "+name+"，只接受 JPEG、PNG、WebP、HEIC 照片。",
		"The file really is "+name+"; only JPEG, PNG, WebP and HEIC photos are taken.")
}

func wrongType(real string) *Refused {
	return refuse(codeWrongType, "文件实际是 "+real+"，与声明的类型不符。", "The file really is "+real+", which is not the type that was promised.")
}

func behindEnd(n int) *Refused {
	return refuse(codePolyglot, fmt.Sprintf("图像结束之后还有 %d 字节其他数据。", n), fmt.Sprintf("%d bytes of something else follow the end of the image.", n))
}

func alsoSomethingElse(name string) *Refused {
	return refuse(codePolyglot, "文件既是照片又是 "+name+"。", "The file is a photo and "+name+" at once.")
}

func inFront() *Refused {
	return refuse(codePolyglot, "照片前面有其他数据。", "Something else stands in front of the photo.")
}

// mega writes a number of bytes in MiB, never rounding down to nothing.
func mega(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
