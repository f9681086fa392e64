package sandbox

func (c *Cmd) compileProfiles(s *Spec, h Host) error { return nil }
