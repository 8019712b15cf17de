"""What the errors of networks and TLS mean, whichever driver met them."""

from __future__ import annotations

import ipaddress
import re

TROUBLES: tuple[tuple[str, str], ...] = (
    (
        r"hostname mismatch|doesn't match|does not match host name|certificate is not valid for|ip address mismatch",
        "its certificate is for another name: use the host name that the provider shows",
    ),
    (
        r"unable to get local issuer|self[- ]signed certificate|certificate verify failed|certificate_verify_failed|"
        r"unknown ca",
        "its certificate is signed by nobody this machine trusts: name the provider's CA file with {ca}",
    ),
    (r"root certificate file .* does not exist|no such file or directory", "the CA file that {ca} names is not there"),
    (
        r"wrong version number|ssl handshake failed|unexpected eof|eof occurred|record layer failure|"
        r"does not support ssl",
        "one side speaks TLS and the other does not: {tls}",
    ),
    (
        r"name or service not known|nodename nor servname|could not translate host name|getaddrinfo|"
        r"name resolution|query name does not exist|dns operation timed out|not known",
        "there is no host of that name: copy the address again",
    ),
    (r"connection refused", "nothing listens there: compare host and port, and see whether the server runs"),
    (
        r"timed out|timeout|no route to host|network is unreachable",
        "it does not answer: let its firewall or access list admit this machine",
    ),
    (
        r"connection closed|connection reset|closed the connection|connection by server",
        "it closed the connection: see whether it wants TLS ({tls})",
    ),
)


def network_trouble(error: str, *, ca: str, tls: str) -> str | None:
    """What a driver's message means, for a person; None where it is not about the network.

    :param error: the message, of which nothing is repeated
    :param ca: how this system's address names a CA file
    :param tls: how this system's address asks for TLS
    """
    for pattern, meaning in TROUBLES:
        if re.search(pattern, error, re.IGNORECASE):
            return meaning.format(ca=ca, tls=tls)
    return None


def is_here(host: str | None) -> bool:
    """Whether a host is this machine or in a private network, where plain text may be what one wants."""
    if not host or host == "localhost" or ("." not in host.strip("[]") and ":" not in host):
        return True  # a bare name, as containers of one network have it
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.endswith((".local", ".internal", ".localhost"))
    return address.is_private or address.is_loopback
