raise RuntimeError("nobody needs this file")
