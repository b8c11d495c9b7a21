"""Verifying in PHP."""

from __future__ import annotations

from typing import Final

from hookstation.core.outgoing.snippets.forms import Form, filled, pieces

_DOC: Final = """
/** Whether a call is from the station. $headers: names in lower case; $body: the raw body, of php://input. */
function verify(array $headers, string $body): bool
{
"""
_FRESH: Final = """    $timestamp = «timestamp»;
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > «tolerance») {
        return false;
    }"""
_ID: Final = """    $delivery = $headers['webhook-id'] ?? '';"""
_STANDARD: Final = f"""{_FRESH}
    $signed = ($headers['webhook-id'] ?? '') . '.' . $timestamp . '.' . $body;
"""
_EQUAL: Final = """        if (hash_equals($expected, $proof)) {
            return true;
        }
    }
    return false;
}
"""
_SHARED: Final = (
    """
<?php

const SECRET = «secret»;
"""
    + _DOC
    + _STANDARD
    + """    $key = base64_decode(preg_replace('/^whsec_/', '', SECRET));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $proof) {
"""
    + _EQUAL
)
_PUBLIC: Final = (
    """
<?php

const PUBLIC_KEY = «key»;
"""
    + _DOC
    + _STANDARD
    + """    $key = base64_decode(preg_replace('/^whpk_/', '', PUBLIC_KEY));
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $proof) {
        [$version, $signature] = explode(',', $proof, 2) + ['', ''];
        $raw = base64_decode($signature);
        if ($version === 'v1a' && strlen($raw) === 64 && sodium_crypto_sign_verify_detached($raw, $signed, $key)) {
            return true;
        }
    }
    return false;
}
"""
)
_FAMILY: Final = (
    """
<?php

const SECRET = «secret»;
"""
    + _DOC
    + """    if (!preg_match(«pattern», $headers[«header»] ?? '', $found)) {
        return false;
    }
«fresh»
    $signed = «signed»;
    $expected = «expected»;
    foreach («proofs» as $proof) {
"""
    + _EQUAL
)


class Php:
    """PHP 7.2 and newer."""

    def shared(self, secret: str) -> str:
        """PHP alone is enough."""
        return filled(_SHARED, secret=_quoted(secret), timestamp=_header("webhook-timestamp"))

    def public(self, key: str) -> str:
        """Needs the extension sodium, which comes with PHP."""
        return filled(_PUBLIC, key=_quoted(key), timestamp=_header("webhook-timestamp"))

    def family(self, form: Form, secret: str) -> str:
        """PHP alone is enough."""
        timestamp = f"$found[{form.timestamp}]" if form.timestamp else _header(form.timestamp_header)
        fresh = filled(_FRESH, timestamp=timestamp) if form.is_timed else ""
        digest = f"hash_hmac({_quoted(form.algorithm)}, $signed, SECRET"
        proof = f"$found[{form.proof}]"
        return filled(
            _FAMILY,
            secret=_quoted(secret),
            pattern=_quoted(f"/^{form.pattern}$/D"),
            header=_quoted(form.header),
            fresh="\n".join(filter(None, (fresh, _ID if form.signs_id else ""))),
            signed=" . ".join([*_texts(form.before), "$body", *_texts(form.after)]),
            expected=f"base64_encode({digest}, true))" if form.encoding == "base64" else f"{digest})",
            proofs=f"explode({_quoted(form.joint)}, {proof})" if form.joint else f"[{proof}]",
        )


def _header(name: str) -> str:
    return f"$headers[{_quoted(name)}] ?? ''"


def _texts(text: str) -> list[str]:
    names = {"timestamp": "$timestamp", "id": "$delivery"}
    return [names[one] if is_name else _quoted(one) for one, is_name in pieces(text)]


def _quoted(text: str) -> str:
    """A text in single quotes, in which PHP reads nothing but these two."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
