"""The page of one lead, and what people say and do there."""
