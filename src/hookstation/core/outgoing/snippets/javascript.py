"""Verifying in JavaScript, with Node."""

from __future__ import annotations

from typing import Final

from hookstation.core.outgoing.snippets.forms import Form, filled, pieces, quoted

_DOC: Final = """
/** Whether a call is from the station. headers: names in lower case; body: the raw bytes (a Buffer), as they came. */
export function verify(headers, body) {
"""
_FRESH: Final = """  const timestamp = «timestamp»;
  if (!/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > «tolerance») return false;"""
_ID: Final = """  const delivery = headers["webhook-id"] ?? "";"""
_STANDARD: Final = f"""{_FRESH}
  const id = headers["webhook-id"] ?? "";
  const signed = Buffer.concat([Buffer.from(`${{id}}.${{timestamp}}.`), body]);
"""
_EQUAL: Final = """
function equal(one, other) {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
"""
_SHARED: Final = (
    """
import { createHmac, timingSafeEqual } from "node:crypto";

const SECRET = «secret»;
"""
    + _DOC
    + _STANDARD
    + """  const key = Buffer.from(SECRET.replace(/^whsec_/, ""), "base64");
  const expected = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  const proofs = (headers["webhook-signature"] ?? "").split(" ");
  return proofs.some((proof) => equal(proof, expected));
}
"""
    + _EQUAL
)
_PUBLIC: Final = (
    """
import { createPublicKey, verify as verifyEd25519 } from "node:crypto";

const PUBLIC_KEY = «key»;
"""
    + _DOC
    + _STANDARD
    + """  const x = Buffer.from(PUBLIC_KEY.replace(/^whpk_/, ""), "base64").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const proofs = (headers["webhook-signature"] ?? "").split(" ").map((proof) => proof.split(","));
  return proofs.some(
    ([version, proof]) => version === "v1a" && verifyEd25519(null, signed, key, Buffer.from(proof ?? "", "base64")),
  );
}
"""
)
_FAMILY: Final = (
    """
import { createHmac, timingSafeEqual } from "node:crypto";

const SECRET = «secret»;
"""
    + _DOC
    + """  const found = new RegExp(«pattern»).exec(headers[«header»] ?? "");
  if (!found) return false;
«fresh»
  const signed = «signed»;
  const expected = createHmac(«algorithm», SECRET).update(signed).digest(«encoding»);
  const proofs = «proofs»;
  return proofs.some((proof) => equal(proof, expected));
}
"""
    + _EQUAL
)


class JavaScript:
    """Node 18 and newer, as a module."""

    def shared(self, secret: str) -> str:
        """Node alone is enough."""
        return filled(_SHARED, secret=quoted(secret), timestamp=_header("webhook-timestamp"))

    def public(self, key: str) -> str:
        """Node alone is enough."""
        return filled(_PUBLIC, key=quoted(key), timestamp=_header("webhook-timestamp"))

    def family(self, form: Form, secret: str) -> str:
        """Node alone is enough."""
        timestamp = f"found[{form.timestamp}]" if form.timestamp else _header(form.timestamp_header)
        fresh = filled(_FRESH, timestamp=timestamp) if form.is_timed else ""
        parts = ", ".join(filter(None, (_bytes(form.before), "body", _bytes(form.after))))
        proof = f"found[{form.proof}]"
        return filled(
            _FAMILY,
            secret=quoted(secret),
            pattern=quoted(f"^{form.pattern}$"),
            header=quoted(form.header),
            fresh="\n".join(filter(None, (fresh, _ID if form.signs_id else ""))),
            signed=f"Buffer.concat([{parts}])" if parts != "body" else "body",
            algorithm=quoted(form.algorithm),
            encoding=quoted(form.encoding),
            proofs=f"{proof}.split({quoted(form.joint)})" if form.joint else f"[{proof}]",
        )


def _header(name: str) -> str:
    return f'headers[{quoted(name)}] ?? ""'


def _bytes(text: str) -> str:
    names = {"timestamp": "timestamp", "id": "delivery"}
    parts = [names[one] if is_name else quoted(one) for one, is_name in pieces(text)]
    return f"Buffer.from({' + '.join(parts)})" if parts else ""
