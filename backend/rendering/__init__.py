"""Lines of text rendered by us: fonts of this machine, texts in a language, pictures as readers take them."""
