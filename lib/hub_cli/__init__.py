"""The `hub` command for people and CI: speaks the public API alone, from anywhere."""
