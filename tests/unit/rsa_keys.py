"""Two RSA keys that unit tests sign with: each takes a tenth of a second to make."""

from cryptography.hazmat.primitives.asymmetric import rsa

KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
