package work

// Dispatcher is the person, and the device, under whose name the server gives out tickets where a site has that done. It is nobody: it holds no role, and cannot sign in.
const Dispatcher = "d15bac00-0000-8000-8000-000000000001"
