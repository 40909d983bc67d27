"""Certificates for tests of TLS, by an authority of their own."""

from harness import need, run


def make_certificates(directory):
    """An authority, and of it a certificate for 127.0.0.1 and one for a client."""
    openssl = need("openssl")
    ca, key = directory / "ca.crt", directory / "ca.key"
    run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=FlowLens test authority", "-keyout", key, "-out", ca])
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        run([openssl, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.csr"])
        (directory / "extension").write_text(extension + "\n")
        run([openssl, "x509", "-req", "-in", directory / f"{name}.csr", "-CA", ca, "-CAkey", key, "-CAcreateserial",
             "-days", "2", "-extfile", directory / "extension", "-out", directory / f"{name}.crt"])
    return ca
