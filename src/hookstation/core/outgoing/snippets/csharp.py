"""Verifying in C#."""

from __future__ import annotations

from typing import Final

from hookstation.core.outgoing.snippets.forms import Form, filled, pieces, quoted

_USING: Final = """
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
"""
_DOC: Final = """
    /// <summary>Whether a call is from the station.</summary>
    /// <param name="headers">Names in lower case.</param>
    /// <param name="body">The raw bytes, as they came.</param>
    public static bool Verify(IDictionary<string, string> headers, byte[] body)
    {
"""
_FRESH: Final = """        var timestamp = «timestamp»;
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            || Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - at) > «tolerance»)
        {
            return false;
        }"""
_ID: Final = """        var delivery = Header(headers, "webhook-id");"""
_STANDARD: Final = f"""{_FRESH}
        var start = Header(headers, "webhook-id") + "." + timestamp + ".";
        var signed = Encoding.UTF8.GetBytes(start).Concat(body).ToArray();
"""
_HEADER: Final = """
    static string Header(IDictionary<string, string> headers, string name)
    {
        return headers.TryGetValue(name, out var value) ? value : "";
    }
"""
_EQUAL: Final = """
    static bool Equal(string one, string other)
    {
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));
    }
"""
_KEY: Final = """
    static byte[] Decode(string text)
    {
        return Convert.FromBase64String(text.PadRight(text.Length + (4 - text.Length % 4) % 4, '='));
    }
"""
_SHARED: Final = (
    _USING
    + """
public static class Webhook
{
    const string Secret = «secret»;
"""
    + _DOC
    + _STANDARD
    + """        using (var hmac = new HMACSHA256(Decode(Secret.Replace("whsec_", ""))))
        {
            var expected = "v1," + Convert.ToBase64String(hmac.ComputeHash(signed));
            return Header(headers, "webhook-signature").Split(' ').Any(proof => Equal(proof, expected));
        }
    }
"""
    + _HEADER
    + _KEY
    + _EQUAL
    + "}\n"
)
_PUBLIC: Final = (
    _USING.replace("using System.Security.Cryptography;\n", "").replace(
        "using System.Text;\n",
        """using System.Text;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
""",
    )
    + """
public static class Webhook
{
    const string PublicKey = «key»;
"""
    + _DOC
    + _STANDARD
    + """        var key = new Ed25519PublicKeyParameters(Decode(PublicKey.Replace("whpk_", "")), 0);
        foreach (var proof in Header(headers, "webhook-signature").Split(' ').Where(one => one.StartsWith("v1a,")))
        {
            var verifier = new Ed25519Signer();
            verifier.Init(false, key);
            verifier.BlockUpdate(signed, 0, signed.Length);
            try
            {
                if (verifier.VerifySignature(Convert.FromBase64String(proof.Substring(4))))
                {
                    return true;
                }
            }
            catch (FormatException)
            {
                continue;
            }
        }
        return false;
    }
"""
    + _HEADER
    + _KEY
    + "}\n"
)
_FAMILY: Final = (
    _USING
    + """using System.Text.RegularExpressions;

public static class Webhook
{
    const string Secret = «secret»;
"""
    + _DOC
    + """        var found = Regex.Match(Header(headers, «header»), «pattern»);
        if (!found.Success)
        {
            return false;
        }
«fresh»
        var signed = «signed»;
        using (var hmac = new «algorithm»(Encoding.UTF8.GetBytes(Secret)))
        {
            var digest = hmac.ComputeHash(signed);
            var expected = «expected»;
            var proofs = «proofs»;
            return proofs.Any(proof => Equal(proof, expected));
        }
    }
"""
    + _HEADER
    + _EQUAL
    + "}\n"
)


class CSharp:
    """.NET Core 3.0 and newer."""

    def shared(self, secret: str) -> str:
        """.NET alone is enough."""
        return filled(_SHARED, secret=quoted(secret), timestamp=_header("webhook-timestamp"))

    def public(self, key: str) -> str:
        """Needs the package BouncyCastle.Cryptography."""
        return filled(_PUBLIC, key=quoted(key), timestamp=_header("webhook-timestamp"))

    def family(self, form: Form, secret: str) -> str:
        """.NET alone is enough."""
        timestamp = (
            f"found.Groups[{form.timestamp}].Value" if form.timestamp else _header(form.timestamp_header)
        )
        fresh = filled(_FRESH, timestamp=timestamp) if form.is_timed else ""
        proof = f"found.Groups[{form.proof}].Value"
        hexadecimal = 'BitConverter.ToString(digest).Replace("-", "").ToLowerInvariant()'
        return filled(
            _FAMILY,
            secret=quoted(secret),
            pattern=quoted(f"^{form.pattern}$"),
            header=quoted(form.header),
            fresh="\n".join(filter(None, (fresh, _ID if form.signs_id else ""))),
            signed=_signed(form),
            algorithm=f"HMAC{form.algorithm.upper()}",
            expected="Convert.ToBase64String(digest)" if form.encoding == "base64" else hexadecimal,
            proofs=f"Regex.Split({proof}, Regex.Escape({quoted(form.joint)}))"
            if form.joint
            else f"new[] {{ {proof} }}",
        )


def _header(name: str) -> str:
    return f"Header(headers, {quoted(name)})"


def _signed(form: Form) -> str:
    before, after = _bytes(form.before), _bytes(form.after)
    whole = f"{before}.Concat(body)" if before else "body"
    return f"{whole}.Concat({after}).ToArray()" if after else f"{whole}.ToArray()" if before else "body"


def _bytes(text: str) -> str:
    names = {"timestamp": "timestamp", "id": "delivery"}
    parts = [names[one] if is_name else quoted(one) for one, is_name in pieces(text)]
    return f"Encoding.UTF8.GetBytes({' + '.join(parts)})" if parts else ""
