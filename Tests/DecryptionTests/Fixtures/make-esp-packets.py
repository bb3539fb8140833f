#!/usr/bin/env python3
"""Writes esp-packets.json: one ESP packet for every combination of algorithms, made by pyca/cryptography.

Where scapy's IPsec layer knows the combination, it has to open the packet too. Needs `pip install cryptography scapy`.
"""

import hashlib
import json
import os

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, ChaCha20Poly1305
from scapy.layers.inet import ICMP, IP
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.packet import Raw

SOURCE, DESTINATION = "192.0.2.1", "198.51.100.2"


def material(label, length):
    """The same bytes in every run."""
    return hashlib.shake_128(label.encode()).digest(length)


def aes(key, mode):
    return Cipher(algorithms.AES(key), mode).encryptor()


def xcbc(key, message):
    derive = lambda number: aes(key, modes.ECB()).update(bytes([number]) * 16)
    k1, k2, k3 = derive(1), derive(2), derive(3)
    whole = len(message) > 0 and len(message) % 16 == 0
    if not whole:
        message += b"\x80" + bytes(-(len(message) + 1) % 16)
    last = bytes(a ^ b for a, b in zip(message[-16:], k2 if whole else k3))
    return aes(k1, modes.CBC(bytes(16))).update(message[:-16] + last)[-16:]


def triple_des(key, iv, plaintext):
    return Cipher(algorithms.TripleDES(key), modes.CBC(iv)).encryptor().update(plaintext)


HASHES = {"hmac(sha1)": hashes.SHA1, "hmac(sha256)": hashes.SHA256, "hmac(sha384)": hashes.SHA384,
          "hmac(sha512)": hashes.SHA512}


def check_value(name, key, message):
    if name == "xcbc(aes)":
        return xcbc(key, message)
    mac = hmac.HMAC(key, HASHES[name]())
    mac.update(message)
    return mac.finalize()


def seal(encryption, integrity, spi, sequence, extended, iv, plaintext):
    high, low = divmod(sequence, 1 << 32)
    header = spi.to_bytes(4, "big") + low.to_bytes(4, "big")
    aad = header[:4] + (high.to_bytes(4, "big") if extended else b"") + header[4:]
    name, key, tag = encryption["name"], bytes.fromhex(encryption["key"]), encryption["tagBits"] // 8
    if name == "rfc4106(gcm(aes))":
        engine = aes(key[:-4], modes.GCM(key[-4:] + iv))
        engine.authenticate_additional_data(aad)
        ciphertext = engine.update(plaintext) + engine.finalize()
        return header + iv + ciphertext + engine.tag[:tag]
    if name == "rfc4309(ccm(aes))":
        return header + iv + AESCCM(key[:-3], tag_length=tag).encrypt(key[-3:] + iv, plaintext, aad)
    if name == "rfc7539esp(chacha20,poly1305)":
        return header + iv + ChaCha20Poly1305(key[:-4]).encrypt(key[-4:] + iv, plaintext, aad)
    if name == "cbc(aes)":
        ciphertext = aes(key, modes.CBC(iv)).update(plaintext)
    elif name == "cbc(des3_ede)":
        ciphertext = triple_des(key, iv, plaintext)
    elif name == "rfc3686(ctr(aes))":
        ciphertext = aes(key[:-4], modes.CTR(key[-4:] + iv + b"\0\0\0\1")).update(plaintext)
    else:
        ciphertext = plaintext
    message = header + iv + ciphertext
    value = check_value(integrity["name"], bytes.fromhex(integrity["key"]),
                        message + (high.to_bytes(4, "big") if extended else b""))
    return message + value[:integrity["tagBits"] // 8]


SCAPY = {"rfc4106(gcm(aes))": "AES-GCM", "rfc4309(ccm(aes))": "AES-CCM",
         "rfc7539esp(chacha20,poly1305)": "CHACHA20-POLY1305", "cbc(aes)": "AES-CBC",
         "cbc(des3_ede)": "3DES",
         "rfc3686(ctr(aes))": "AES-CTR", "ecb(cipher_null)": "NULL",
         ("hmac(sha1)", 96): "HMAC-SHA1-96", ("hmac(sha256)", 128): "SHA2-256-128",
         ("hmac(sha384)", 192): "SHA2-384-192", ("hmac(sha512)", 256): "SHA2-512-256"}


def scapy_opens(encryption, integrity, spi, sequence, extended, packet, payload):
    """Whether scapy finds the payload; None where it does not know the algorithms."""
    if integrity and (integrity["name"], integrity["tagBits"]) not in SCAPY:
        return None
    if encryption["tagBits"] not in (0, 128):
        return None
    association = SecurityAssociation(
        ESP, spi=spi, crypt_algo=SCAPY[encryption["name"]], crypt_key=bytes.fromhex(encryption["key"]) or None,
        auth_algo=SCAPY[integrity["name"], integrity["tagBits"]] if integrity else None,
        auth_key=bytes.fromhex(integrity["key"]) if integrity else None, tunnel_header=IP(src=SOURCE, dst=DESTINATION),
        esn_en=extended, esn=sequence >> 32)
    outer = IP(src=SOURCE, dst=DESTINATION, proto=50) / ESP(packet)
    opened = association.decrypt(IP(bytes(outer)), verify=True, esn_en=extended, esn=sequence >> 32)
    return bytes(opened) == payload


def combinations():
    for bits in (128, 192, 256):
        for tag in (64, 96, 128):
            yield {"name": "rfc4106(gcm(aes))", "bits": bits + 32, "tagBits": tag}, None
            yield {"name": "rfc4309(ccm(aes))", "bits": bits + 24, "tagBits": tag}, None
    yield {"name": "rfc7539esp(chacha20,poly1305)", "bits": 288, "tagBits": 128}, None
    ciphers = [{"name": "ecb(cipher_null)", "bits": 0, "tagBits": 0}]
    for bits in (128, 192, 256):
        ciphers.append({"name": "cbc(aes)", "bits": bits, "tagBits": 0})
        ciphers.append({"name": "rfc3686(ctr(aes))", "bits": bits + 32, "tagBits": 0})
    ciphers.append({"name": "cbc(des3_ede)", "bits": 192, "tagBits": 0})
    for cipher in ciphers:
        for name, bits, tag in (("hmac(sha1)", 160, 96), ("hmac(sha256)", 256, 96), ("hmac(sha256)", 256, 128),
                                ("hmac(sha384)", 384, 192), ("hmac(sha512)", 512, 256), ("xcbc(aes)", 128, 96)):
            yield cipher, {"name": name, "bits": bits, "tagBits": tag}


def keyed(algorithm, label):
    if algorithm is None:
        return None
    return {"name": algorithm["name"], "key": material(label, algorithm["bits"] // 8).hex(),
            "tagBits": algorithm["tagBits"]}


records = []
checked = 0
for number, (cipher, check) in enumerate(combinations()):
    for extended in (False, True):
        label = f"{number} {extended}"
        encryption, integrity = keyed(cipher, "encryption " + label), keyed(check, "integrity " + label)
        sequence = (3 << 32 if extended else 0) + 100 + number
        spi = 0xC0000000 + 2 * number + extended
        data = material("payload " + label, 5 + 3 * number % 41)
        payload = bytes(IP(src="10.0.1.2", dst="10.0.2.2", id=number) / ICMP(id=7, seq=number) / Raw(data))
        block = {"cbc(aes)": 16, "cbc(des3_ede)": 8}.get(cipher["name"], 4)
        padding = -(len(payload) + 2) % block
        plaintext = payload + bytes(range(1, padding + 1)) + bytes([padding, 4])
        iv = material("iv " + label, {"cbc(aes)": 16, "ecb(cipher_null)": 0}.get(cipher["name"], 8))
        packet = seal(encryption, integrity, spi, sequence, extended, iv, plaintext)
        verdict = scapy_opens(encryption, integrity, spi, sequence, extended, packet, payload)
        assert verdict is not False, label
        checked += verdict is True
        association = {"source": SOURCE, "destination": DESTINATION, "spi": spi, "mode": "tunnel",
                       "encryption": encryption, "hasExtendedSequence": extended}
        if integrity:
            association["integrity"] = integrity
        records.append({"association": association, "sequence": sequence, "iv": iv.hex(), "nextHeader": 4,
                        "payload": payload.hex(), "packet": packet.hex()})

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "esp-packets.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")
print(f"{len(records)} packets, {checked} of them opened by scapy too")
