"""Articles from pages: decoding, cleaning, extraction, opt-outs, limits of markup."""
