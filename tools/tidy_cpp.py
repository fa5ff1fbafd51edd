"""What tidy.py needs to know of C++: code without comments and strings, and its functions."""

import re

_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])*'",
    re.DOTALL)

_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)

_TYPE_OR_NAMESPACE = re.compile(
    r"^(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b")

# What may stand between a function's parameters and its body.
_FUNCTION_END = re.compile(
    r"\)\s*(?:const|noexcept(?:\([^{]*\))?|override|final|&{1,2}|->[^{;]*|ABSL_\w+(?:\([^{]*\))?"
    r"|try|:[^{;]*|\s)*$", re.DOTALL)


def _blank(text):
    """As many lines and columns, nothing in them."""
    return re.sub(r"[^\n]", " ", text)


def strip_comments(code):
    """Code of the same shape with comments blanked; strings stay."""
    return _TOKEN.sub(lambda m: _blank(m[0]) if m[0].startswith("/") else m[0], code)


def strip_comments_and_strings(code):
    """Code of the same shape with comments and the contents of strings blanked."""
    return _TOKEN.sub(lambda m: _blank(m[0]) if m[0].startswith("/") else
                      m[0][0] + _blank(m[0][1:-1]) + m[0][-1], code)


def functions(code):
    """(name, first line, last line) of each function defined in the code.

    A heuristic that counts on clang-format: a block's brace follows a space, an initializer's
    does not. Lambdas belong to the function around them.
    """
    clean = strip_comments_and_strings(code)
    clean = _DIRECTIVE.sub(lambda m: _blank(m[0]), clean)
    found = []
    scopes = []  # what each open brace is: "type", "function" or "other"
    head = 0     # where the text before the next brace began
    for match in re.finditer(r"[{};]", clean):
        position = match.start()
        inside_function = "function" in scopes
        if match[0] == "{":
            before = clean[head:position]
            initializer = before[-1:].isalnum() or before[-1:] in ("_", ">", "(", "{", ",")
            if inside_function or initializer:
                scopes.append("other")
                continue
            scopes.append(_scope_kind(before))
            if scopes[-1] == "function":
                start = head + len(before) - len(before.lstrip())
                found.append([_name(before), clean.count("\n", 0, start) + 1, None])
            head = position + 1
        elif match[0] == "}" and scopes:
            kind = scopes.pop()
            if kind == "function":
                found[-1][2] = clean.count("\n", 0, position) + 1
            if kind != "other":
                head = position + 1
        elif match[0] == ";" and not inside_function and scopes[-1:] != ["other"]:
            head = position + 1
    return [tuple(entry) for entry in found if entry[2] is not None]


def _scope_kind(before):
    text = re.sub(r"\b(?:public|private|protected)\s*:", " ", before).strip()
    text = re.sub(r"(?<=[\w>])\{[^{}]*\}", "()", text)  # of a constructor's initializers
    if _FUNCTION_END.search(text) and not text.endswith("=") and "(" in text:
        attributes_only = re.sub(r"ABSL_\w+(\([^()]*\))?|alignas\([^()]*\)", "", text)
        if not (_TYPE_OR_NAMESPACE.match(text) and "(" not in attributes_only):
            return "function"
    return "type" if _TYPE_OR_NAMESPACE.match(text) else "other"


def _name(before):
    match = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", before)
    return match[1] if match else "function"
