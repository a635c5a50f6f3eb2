package picture

func walkHEIC(b []byte, limits Limits) (outline, *Refused) { return outline{}, unknownType() }
