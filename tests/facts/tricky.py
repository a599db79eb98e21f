# ruff: noqa: E501
"""Code that is hard to find one's way in."""

from __future__ import annotations

TRICKY = {
    "parentheses": "((a)) . b\n( (a) )(  (b) , )\n(a)[ (b) ]\nx = ( (a) + (b) ) * - ( c )\n",
    "keyword-touches": "x = (a)if(b)else(c)\nx = 1if a else 2\nx = not(a)or not b\nx = [i for i in(1, 2)if(i)]\nx = 'a'in b\nx=(a)in i\n",
    "unary": "x = - - ~a\nx = a - -b ** -c\nx = not not a\nx = (-  # a - comment\n  -  # another -\n  a)\n",
    "stars": "f(*a, * (b), **c, ** (d))\nx = [*a, * (b)]\n*a, b = * c, d\nprint(*[*(a)])\nx = {**a, ** (b), 'c': d}\nx[*a]\nx[*a, b]\n",
    "slices": "x[:]\nx[ : ]\nx[1:]\nx[:1]\nx[::2]\nx[1:2, ::3, ...]\nx[a,]\nx[(a):(b)]\nx[  # c\n 1 : 2,\n]\nx[lambda: 1 : 2]\n",
    "tuples": "a, = x\nx = ()\nx = ( )\nx = 1, 2 ,\nx = (1, 2, )\nx = ((1, 2), (3,))\nfor i in a, b, : pass\nx = (\n  1,  # one\n  2,  # two\n)\n",
    "numbers": "x = .5 + 5. + 1e5 + .5j + 0x_ff + 1_000\nx = [.1, -.2]\nx = a.b + .5\nx = 1 .real\nx = 1..real\n",
    "ellipsis": "x = ...\nx[..., a]\ndef f(): ...\nclass A: ...\nx: Callable[..., int] = (...)\n",
    "strings": "x = 'a' \"b\" '''c\nd''' r'\\\\' u'e'\nx = ('a'  # one\n     'b')\nx = b'a' B'b'\nx = rb'a'\n'''doc'''; x\n",
    "f-strings": (
        "x = f'{a}{b!r:>{w}.{p}}{{}}{c=}{ d = !s}{e:%Y-%m-%d}'\nx = f'''{\n a  # no\n}'''\nx = f'a' 'b' f'{c}'\n"
        "x = f'{x!r}' rf'\\{y}'\nx = f'{(lambda a: a)(1)}{ {1: 2}[1] }'\nx = f'{a:{b}{c}}'\n"
    ),
    "nested f-strings": 'x = f"{f"{a["b"]}"}" + f"{x:{f"{y}"}}"\n',
    "lambdas": (
        "x = lambda: 1\nx = lambda a, /, b=1, *c, d=(2), **e: (a)\nx = lambda *, a: a\nx = lambda*a:a\nx = lambda:(yield)\n"
        "x = lambda: lambda: 0\nx = (lambda\n a: a)\nx = lambda **k: k\n"
    ),
    "comprehensions": (
        "x = [(a) for a in b if c if (d) for e in f]\nx = {a: b for a, b in c}\nx = {a for a in b}\nf(a for a in b)\nf((a for a in b), c)\n"
        "async def f():\n    return [a async for a in b if await c] + [a for a, in b]\nx = ((a) for a in (b))\nx = ( # c\n a for a in b )\n"
    ),
    "comparisons": "x = a < b <= c != d == e is not f is g not in h in i\nx = (a) not   in (b)\nx = a is \\\n not b\n",
    "booleans": "x = a and b and c or d and not e or (f or g)\nx = (a and b) and c\nx = ((a) or (b))\n",
    "yields": (
        "def f():\n    yield\n    x = yield\n    y = yield a, b\n    yield from (a)\n    (yield)\n    z = [(yield), (yield 1)]\n    await (yield)\n"
        "    yield (yield)\n    x = yield  # c\n    return (yield)\n"
    ),
    "awaits": "async def f():\n    await a\n    x = (await (a)).b\n    await a.b()[1]\n    return await  a\n    -await a ** 2\n",
    "walrus": "if (n := len(a)) > 1: pass\nx = [y := f(x), y**2]\nf((a := 1), b=(c := 2))\nwhile chunk := (read()): pass\nx[a := 1]\n",
    "assignments": "a = b = (c) = d\n(a).b: int = 1\nx: 'T'\na.b += (1)\nx //= 2; y **= 3; z @= w; q >>= 1\na, (b, *c) = d\n",
    "simple": (
        "pass; pass ;\nassert (a), (b)\nassert a\ndel a, (b), c[0]\ndel (a, b)\ndel (a)\nraise\nraise A\nraise (A) from (b)\n"
        "def f():\n    global a, b\n    nonlocal_ = 1\n    return\n    return (a)\n    def g():\n        nonlocal c , d\n"
        "for a in b:\n    break\n    continue ;\n"
    ),
    "imports": (
        "import a . b as c, d\nimport a.b.c\nfrom . import a\nfrom .. a . b import (c as d, e,)\nfrom ...a import b as c, d\nfrom a import *\n"
        "from .a import * # *\nfrom a import (  # c\n    b,\n    c as d  # e\n)\nimport a as asx\n"
    ),
    "compound": (
        "if a: pass\nelif (b): pass\nelse: pass\nfor (a) in (b): x\nelse:\n    y\nwhile (a):\n    b\nelse: c\n"
        "with (a): pass\nwith (a) as b: pass\nwith (a as b, c as (d), e,): pass\nwith a, b as c: pass\nwith (a, b) as c: pass\nwith (yield): pass\n"
        "try:\n    a\nexcept: b\ntry: a\nexcept (A, B) as e: b\nexcept C: d\nelse: e\nfinally: f\ntry: a\nfinally: b\n"
    ),
    "exceptions": "try: a\nexcept* (A) as e: b\nexcept *B: c\ntry: a\nexcept (A)as a: b\n",
    "definitions": (
        "@a\n@ b.c(d)  # e\n\n# f\nclass A ( B , metaclass=C, **d ) :\n    @(a := b)\n    async  def  f ( self , / , a : int = 1 , * , b = (2) , ** k ) -> (int) :\n"
        "        'doc'; x = 1\n    def g(*args: A, b): return\n    class D: pass\n    class E(): x = 1\n    def defdef(self): pass\n"
    ),
    "type parameters": (
        "def f[T, U: (int, str), *Ts, **P](a: T) -> U: ...\nclass A[T: int](B[T]): x = T\ntype X = int\ntype Y[T] = list[T] | None\n"
        "def g[T = int, *Ts = *tuple[int], **P = [int]](): pass\ntype = type\ntype.type(type)\n"
    ),
    "match": (
        "match a, *b:\n    case 1 | -1 | 'a' 'b' | None: x\n    case [a, *_, b] | (c): y\n    case {'k': v, **rest}: z\n    case A.B(c, d=(e), f=[g]) if h: w\n"
        "    case (a, b) as c: v\n    case *a, b: u\n    case {}: q\n    case A(): r\n    case -1 + 1j: s\n    case _: t\nmatch = 1\nmatch (a):\n  case (1): pass\n"
        "match.case(match)\nmatch[a]\ncase = match\n"
    ),
    "whitespace": "x = [ # a , b (\n\n 1\n\n,\n # ) ]\n 2 ]\nx = a \\\n  . b \\\n  ( c \\\n )\nif a:\n\tpass\n\x0c\nx = 1\n# end",
    "names like keywords": "as_ = is_x + in_y - not_z * or_w / and_v % index . import_x (from_y=1, if_=2, **lambda_)\nnot_a = nota\nx = Trueish\n",
    "unicode": "naïve = 'é' + ñ.ü(ß='🎉') # ü\nx = f'🎉{é}🎉'\n",
    "comments": "x = (a  # b ( \" '\n     .c  # d\n     .e(  # f\n     g=1,  # h\n     )  # i\n    )\n",
    "decorated": "@a.b\n@ (c)\n@d[0](e)\ndef f(): pass\n",
    "conditional": "x = (a) if (b) else (c)\nx = a if b else c if d else e\nx = (a if b else c) if d else e\n",
}
