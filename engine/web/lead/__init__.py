"""The page of one lead, and all that people say: of a lead, of who phoned, of themselves."""
