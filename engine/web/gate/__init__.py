"""Who comes in, and what of it is allowed and written down: tokens, sessions, the guard before every page."""
