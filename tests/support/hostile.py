"""Input that means harm: corpora of bodies, requests, schemas, templates and configuration files."""

from __future__ import annotations

from typing import Final

VALID: Final = b'{"key": "smuggled", "memberId": "10420"}'

BODIES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "blank": b"   \n",
    "half an object": b'{"key": "a", "memberId": ',
    "two documents": b'{"key": "a"} {"key": "b"}',
    "trailing comma": b'{"key": "a", "memberId": "1",}',
    "single quotes": b"{'key': 'a'}",
    "comment": b'{"key": "a" /* no */, "memberId": "1"}',
    "duplicate keys": b'{"key": "a", "memberId": "1", "memberId": "2"}',
    "NaN": b'{"key": "a", "memberId": "1", "amount": NaN}',
    "infinity": b'{"key": "a", "memberId": "1", "amount": -Infinity}',
    "lone surrogate": b'{"key": "\\ud800", "memberId": "1"}',
    "byte-order mark": b'\xef\xbb\xbf{"key": "a", "memberId": "1"}',
    "UTF-16": '{"key": "a", "memberId": "1"}'.encode("utf-16"),
    "bad UTF-8": b'{"key": "\xff\xfe", "memberId": "1"}',
    "overlong UTF-8": b'{"key": "\xc0\xaf", "memberId": "1"}',
    "surrogates in UTF-8": b'{"key": "\xed\xa0\x80", "memberId": "1"}',
    "control character": b'{"key": "a\x01", "memberId": "1"}',
    "NUL escaped": b'{"key": "a\\u0000b", "memberId": "1"}',
    "arrays without end": b"[" * 500_000,
    "objects without end": b'{"a":' * 200_000,
    "deep and closed": b"[" * 200_000 + b"]" * 200_000,
    "a little too deep": b'{"key": ' + b"[" * 65 + b"]" * 65 + b"}",
    "members without end": b"[" + b"0," * 400_000 + b"0]",
    "keys without end": b"{" + b",".join(b'"k%d":0' % number for number in range(80_000)) + b"}",
    "a number of 900,000 digits": b'{"key": "a", "memberId": "1", "amount": ' + b"9" * 900_000 + b"}",
    "a huge exponent": b'{"key": "a", "memberId": "1", "amount": 1e999999999999}',
    "a tiny exponent": b'{"key": "a", "memberId": "1", "amount": 1e-999999999999}',
    "minus nothing": b'{"key": "a", "memberId": "1", "amount": -}',
    "leading zeros": b'{"key": "a", "memberId": "1", "amount": 007}',
    "a string of 1,000,000": b'{"key": "a", "memberId": "1", "note": "' + b"x" * 1_000_000 + b'"}',
    "escapes without end": b'{"key": "a", "memberId": "1", "note": "' + b"\\u00e9" * 150_000 + b'"}',
    "a key that is too long": b'{"key": "' + b"k" * 100_000 + b'", "memberId": "1"}',
    "a null byte": b"\0",
    "template in a value": b'{"key": "$$memberId$$ {{ 7 | times: 7 }}", "memberId": "1"}',
    "prototype": b'{"__proto__": {"key": 1}, "key": "a", "memberId": "1"}',
    "too large": b"x" * (1024 * 1024 + 1),
}

HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "two types": ("Content-Type: text/plain", "Content-Type: application/json"),
    "odd charset": ("Content-Type: application/json; charset=utf-7",),
    "quoted without end": ('Content-Type: application/json; x="',),
    "type of 60,000": ("Content-Type: application/json; x=" + "a" * 60_000,),
    "two lengths": ("Content-Length: 3",),
    "compressed": ("Content-Encoding: gzip",),
    "encodings without end": ("Content-Encoding: " + "identity," * 5_000,),
    "a key of 50,000": ("Webhook-Id: " + "k" * 50_000,),
    "a key of bytes": ("Webhook-Id: \xff\xfe\x80",),
    "a thousand headers": tuple(f"X-{number}: {number}" for number in range(1_000)),
    "a header of 100,000": ("X-Long: " + "a" * 100_000,),
    "forwarded": ("X-Forwarded-For: 203.0.113.1, ::1", "Forwarded: for=unknown"),
    "expectation": ("Expect: 100-continue",),
    "odd expectation": ("Expect: the-unexpected",),
    "upgrade": ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"),
    "websocket": (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: eA==",
        "Sec-WebSocket-Version: 13",
    ),
    "range": ("Range: bytes=0-0,1-1,2-2",),
    "prefer": ("Prefer: respond-async",),
    "odd names": ("!#$%&'*+-.^_`|~: yes",),
    "empty value": ("X-Empty:",),
}


def smuggling(path: str) -> dict[str, bytes]:
    """Requests whose end is arguable; behind each waits a second one, which must not be taken for a request."""
    inner = f"POST {path} HTTP/1.1\r\nHost: s\r\nContent-Length: {len(VALID)}\r\n\r\n".encode() + VALID
    post = f"POST {path} HTTP/1.1\r\nHost: s\r\n".encode()
    long = str(len(inner) + 5).encode()
    return {
        "length and chunked": post
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + inner,
        "chunked and length": post
        + b"Transfer-Encoding: chunked\r\nContent-Length: "
        + long
        + b"\r\n\r\n0\r\n\r\n"
        + inner,
        "two lengths": post + b"Content-Length: 0\r\nContent-Length: " + long + b"\r\n\r\n" + inner,
        "a list of lengths": post + b"Content-Length: 0, 5\r\n\r\n" + inner,
        "negative length": post + b"Content-Length: -1\r\n\r\n" + inner,
        "signed length": post + b"Content-Length: +0\r\n\r\n" + inner,
        "hexadecimal length": post + b"Content-Length: 0x0\r\n\r\n" + inner,
        "length beyond 64 bits": post + b"Content-Length: 18446744073709551616\r\n\r\n" + inner,
        "unknown coding": post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
        "coding in disguise": post + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner,
        "two codings": post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + inner,
        "space before colon": post + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner,
        "folded line": post + b"X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
        "vertical tab": post + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + inner,
        "NUL in a value": post + b"X-A: b\0c\r\nContent-Length: 0\r\n\r\n" + inner,
        "bare line feed": post.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n" + inner,
        "bare carriage return": post + b"X: a\rContent-Length: 0\r\n\r\n" + inner,
        "chunk of no size": post + b"Transfer-Encoding: chunked\r\n\r\n\r\n\r\n" + inner,
        "chunk beyond 64 bits": post + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + inner,
        "negative chunk": post + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + inner,
        "chunk with prefix": post + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + inner,
        "chunk without line end": post + b"Transfer-Encoding: chunked\r\n\r\n1\r\nZZ\r\n0\r\n\r\n" + inner,
        "extensions without end": post
        + b"Transfer-Encoding: chunked\r\n\r\n0;"
        + b"x" * 100_000
        + b"\n"
        + inner,
        "old version with chunks": b"POST "
        + path.encode()
        + b" HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
        + inner,
    }


def requests(path: str) -> dict[str, bytes]:
    """What is no request of a webhook at all."""
    return {
        "nothing": b"",
        "line ends": b"\r\n" * 1_000,
        "version 0.9": f"GET {path}\r\n\r\n".encode(),
        "version 9.9": f"POST {path} HTTP/9.9\r\n\r\n".encode(),
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 100,
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        "odd method": f"HACK {path} HTTP/1.1\r\nHost: s\r\n\r\n".encode(),
        "connect": b"CONNECT example.org:443 HTTP/1.1\r\nHost: s\r\n\r\n",
        "options of all": b"OPTIONS * HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n",
        "trace": f"TRACE {path} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n".encode(),
        "absolute form": f"GET http://evil.example{path} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n".encode(),
        "URL of 200,000": b"GET /hooks/" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: s\r\n\r\n",
        "URL of bytes": b"GET /hooks/\xff\xfe HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n",
        "percent": b"GET /hooks/%zz%00%c0%af/..%2f..%2f HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n",
        "dots": b"GET /hooks/../../etc/passwd HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n",
        "fragment": f"GET {path}#x?y#z HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n".encode(),
        "run of a stranger": b"GET /hooks/runs/"
        + b"0" * 3_000
        + b" HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n",
        "headers without end": f"POST {path} HTTP/1.1\r\n".encode() + b"X: y\r\n" * 100_000,
        "no host": f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode(),
        "two hosts": f"GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".encode(),
    }


def nested(keyword: str, depth: int) -> dict[str, object]:
    """A schema inside a schema inside a schema."""
    schema: dict[str, object] = {}
    for _ in range(depth):
        schema = {keyword: schema}
    return schema


SCHEMAS: Final[dict[str, object]] = {
    "nested quantifiers": {"properties": {"key": {"pattern": "^(a+)+$"}}},
    "counted quantifiers": {"properties": {"key": {"pattern": "((a{1,1000}){1,1000}){1,1000}"}}},
    "alternatives": {"properties": {"key": {"pattern": "^(a|a|a|a|a)*$"}}},
    "look-ahead": {"properties": {"key": {"pattern": "^(?=(a+))a*b$"}}},
    "look-behind": {"properties": {"key": {"pattern": "(?<=a+)b"}}},
    "back reference": {"properties": {"key": {"pattern": "^(a+)\\1+$"}}},
    "wide classes": {"properties": {f"p{n}": {"pattern": "[\\p{L}]{1,200}"} for n in range(900)}},
    "no pattern": {"properties": {"key": {"pattern": "((("}}},
    "pattern properties": {"patternProperties": {"^(x+x+)+y$": {"type": "string"}}},
    "patterns without end": {"properties": {f"p{n}": {"pattern": f"^{n}$"} for n in range(20_000)}},
    "doubling references": {
        "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)} | {"d40": {}},
        "$ref": "#/$defs/d0",
    },
    "a circle": {"$ref": "#"},
    "a circle of two": {
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
        "$ref": "#/$defs/a",
    },
    "remote": {"$ref": "http://127.0.0.1:1/schema.json"},
    "a file": {"$ref": "file:///etc/passwd"},
    "reference to nowhere": {"$ref": "#/$defs/nobody"},
    "dynamic": {"$dynamicRef": "#x", "$defs": {"a": {"$dynamicAnchor": "x", "$dynamicRef": "#x"}}},
    "deep": nested("not", 300),
    "deep items": nested("items", 300),
    "unknown draft": {"$schema": "http://example.org/draft-99"},
    "draft of a number": {"$schema": 7},
    "unknown type": {"type": "strnig"},
    "wrong kinds": {"properties": [], "required": {}, "minimum": "1", "enum": 3},
    "huge numbers": {"properties": {"key": {"maxLength": 10**400, "minLength": -1}}},
    "repetition": {"uniqueItems": True, "minItems": 10**30, "multipleOf": 0},
    "enumeration": {"enum": [f"value {number}" for number in range(50_000)]},
    "properties without end": {"properties": {f"p{n}": {"type": "string"} for n in range(50_000)}},
    "true": True,
    "false": False,
    "null": None,
    "text": "object",
    "array": [],
}

TEMPLATES: Final[dict[str, str]] = {
    "loop without end": "{% for i in (1..1000000000) %}x{% endfor %}",
    "loops in loops": "{% for i in (1..900) %}" * 3 + "x" + "{% endfor %}" * 3,
    "doubling": "{% assign a = 'aaaaaaaaaa' %}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}",
    "doubling in a loop": "{% assign a = key %}{% for i in (1..999) %}{% assign a = a | append: a %}{% endfor %}"
    "{{ a }}",
    "replace growth": "{% assign a = key %}{% for i in (1..99) %}"
    "{% assign a = a | replace: 'K', 'KKKKKKKKKK' %}{% endfor %}",
    "capture growth": "{% for i in (1..999) %}{% capture a %}{{ a }}{{ a }}x{% endcapture %}{% endfor %}{{ a }}",
    "deep": "{% if key %}" * 500 + "x" + "{% endif %}" * 500,
    "not closed": "{% if key %}{% for i in key %}",
    "not closed output": "{{ key | upcase",
    "not closed property": "$$key",
    "huge power": "{{ 9 | times: 1e308 | times: 1e308 }}",
    "huge digits": "{{ 1 | round: 100000000 }}",
    "division by nothing": "{{ 10 | divided_by: 0 }}{{ 10 | modulo: 0 }}",
    "wide date": "{{ received_at | date: '%1000000000Y' }}",
    "wide format": '{{ 1 | format: "' + "0" * 5_000 + '" }}',
    "slices": "{{ key | slice: -1000000000, 1000000000 }}",
    "split and join": "{{ key | split: '' | join: '" + "x" * 5_000 + "' }}",
    "foreign file": "{% include '/etc/passwd' %}{% render 'x' %}",
    "attributes": "{{ key.__class__.__mro__ }}$$key.__class__$$",
    "secret header": "{{ headers['authorization'] }}",
    "path of 10,000": "$$" + ".".join(["a"] * 10_000) + "$$",
    "dollars": "$" * 9_999,
    "braces": "{{" * 5_000,
    "text of 1,000,000": "x" * 1_000_000,
}

CONFIGURATIONS: Final[dict[str, bytes]] = {
    "billion laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefghi"),
    "circle": b"version: 1\nwebhooks: &a [*a]\n",
    "python object": b"version: 1\nwebhooks: !!python/object/apply:os.system ['true']\n",
    "deep": b"[" * 100_000,
    "deep map": b"".join(b" " * n + b"a:\n" for n in range(1_000)),
    "bad UTF-8": b"version: 1\nwebhooks: \xff\xfe\n",
    "NUL": b"version: 1\0\n",
    "duplicate keys": b"version: 1\nversion: 1\n",
    "merge": b"version: 1\n<<: {webhooks: []}\n",
    "tab": b"version: 1\nwebhooks:\n\t- name: x\n",
    "huge number": b"version: " + b"9" * 100_000 + b"\n",
    "json": b'{"version": 1, "webhooks": [{"name": {"name": {}}}]}',
    "only text": b"hello",
    "nothing": b"",
}
