"""The house rules of tidy.py, a function each.

A rule takes the Tree and yields (path, line, what is wrong). Its name is the function's.
"""

import ast
import re

import tidy_cpp
import tidy_lists

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100


def _listed(path, listed):
    """The entry of `listed` that covers the path, or None."""
    for entry in listed:
        if path == entry or (entry.endswith("/") and path.startswith(entry)):
            return entry
    return None


def _lines_matching(text, pattern):
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(pattern, line):
            yield number, line


def _outside_fences(markdown):
    fenced = False
    for number, line in enumerate(markdown.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def file_length(tree):
    for path in tree.code():
        count = len(tree.text(path).splitlines())
        if count > FILE_LINES_MAX and path not in tidy_lists.LONG_FILES:
            yield path, count, f"{count} lines; at most {FILE_LINES_MAX}"


def function_length(tree):
    for path in tree.code("cc", "h"):
        yield from _long_functions(path, tidy_cpp.functions(tree.text(path)))
    for path in tree.code("py"):
        nodes = ast.walk(ast.parse(tree.text(path)))
        yield from _long_functions(path, [
            (node.name, node.lineno, node.end_lineno) for node in nodes
            if isinstance(node, ast.FunctionDef)])


def _long_functions(path, functions):
    for name, first, last in functions:
        count = last - first + 1
        if count > FUNCTION_LINES_MAX and f"{path}:{name}" not in tidy_lists.LONG_FUNCTIONS:
            yield path, first, f"{name} has {count} lines; at most {FUNCTION_LINES_MAX}"


def columns(tree):
    for path in tree.code():
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if len(line) > COLUMNS_MAX and "http" not in line:
                yield path, number, f"{len(line)} columns; at most {COLUMNS_MAX}"


def white_space(tree):
    for path in tree.code() + tree.markdown():
        text = tree.text(path)
        for number, _ in _lines_matching(text, r"[ \t]+$|\t"):
            yield path, number, "a tab, or white space at the end of the line"
        if text and not text.endswith("\n"):
            yield path, text.count("\n") + 1, "no newline at the end of the file"


def header_guard(tree):
    for path in tree.code("h"):
        name = "HAWSER_" + re.sub(r"[^A-Z0-9]", "_", path.upper()) + "_"
        lines = tree.text(path).splitlines()
        if lines[:2] != [f"#ifndef {name}", f"#define {name}"]:
            yield path, 1, f"must begin with #ifndef and #define {name}"
        elif lines[-1:] not in ([f"#endif  // {name}"], [f"#endif /* {name} */"]):
            yield path, len(lines), f"must end with #endif  // {name}"


def header_purpose(tree):
    for path in tree.code("h"):
        rest = [line for line in tree.text(path).splitlines()[2:] if line.strip()]
        if not rest or not rest[0].startswith(("// ", "/* ")):
            yield path, 3, "a comment that says what it is for must follow the guard"


def library_headers(tree):
    for path in tree.code("cc", "h"):
        for number, included in tree.includes(path):
            for prefixes, allowed in tidy_lists.LIBRARY_HEADERS.items():
                if included.startswith(prefixes) and not path.startswith(allowed):
                    yield path, number, f"<{included}> only in {', '.join(allowed)}"


def public_headers(tree):
    for path in tidy_lists.PUBLIC_HEADERS:
        if path in tree.files:
            yield from _closed(tree, path, path, set())


def _closed(tree, public, path, seen):
    seen.add(path)
    for number, included in tree.includes(path):
        if (included.startswith(tidy_lists.NOT_IN_PUBLIC_HEADERS) or
                included.endswith(tidy_lists.NOT_IN_PUBLIC_HEADERS_SUFFIX)):
            yield path, number, f"{public} is for users; it must not include {included}"
        elif included in tree.files and included not in seen:
            yield from _closed(tree, public, included, seen)


_THREAD = r"\bstd::(thread|jthread|async)\b(?!::)|\bpthread_create\("

_CLOCK = (r"\b(std::chrono::)?(steady|system|high_resolution)_clock::now\b|\babsl::Now\(|"
          r"\bclock_gettime\(|\bgettimeofday\(|\bgpr_now\(|\btime\((nullptr|NULL|0)\)|\b__rdtsc\b")


def clock(tree):
    yield from _only_in(tree, _CLOCK, tidy_lists.CLOCK_READERS, "reads a clock")


def threads(tree):
    yield from _only_in(tree, _THREAD, tidy_lists.THREAD_STARTERS, "starts a thread")


def _only_in(tree, pattern, listed, what):
    for path in tree.code("cc", "h"):
        if _listed(path, listed):
            continue
        code = tidy_cpp.strip_comments_and_strings(tree.text(path))
        for number, _ in _lines_matching(code, pattern):
            yield path, number, f"{what}; only in {', '.join(listed)} (tools/tidy_lists.py)"


def string_view(tree):
    for path in tree.code("cc", "h"):
        code = tidy_cpp.strip_comments_and_strings(tree.text(path))
        for number, _ in _lines_matching(code, r"\bstd::string_view\b|#include <string_view>"):
            yield path, number, "absl::string_view, never std::string_view: they do not convert"


# In pieces, so that these lines are not findings themselves.
_LEFTOVER = r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b"
_PRIVATE = r"(?<![\w.])/wo" + r"rk\b|\.\./sha" + r"red\b|\bsha" + r"red/(anchors|vectors)"


def leftovers(tree):
    for path in tree.files:
        for number, line in _lines_matching(tree.text(path), _LEFTOVER):
            yield path, number, f"left over: {line.strip()[:60]}"


def private_paths(tree):
    for path in tree.files:
        for number, line in _lines_matching(tree.text(path), _PRIVATE):
            yield path, number, f"a path that no reader has: {line.strip()[:60]}"


def markdown_title(tree):
    for path in tree.markdown():
        lines = list(_outside_fences(tree.text(path)))
        titles = [number for number, line in lines if line.startswith("# ")]
        first = next((line for _, line in lines if line.strip()), "")
        if len(titles) != 1 or not first.startswith("# "):
            yield path, 1, f"must begin with its one top title; has {len(titles)}"


def private_targets(tree):
    for path in tree.build_files():
        if _listed(path, tidy_lists.PUBLIC_PACKAGES):
            continue
        for number, line in _lines_matching(tree.text(path), r"\bdefault_visibility\b"):
            if not re.search(r'= \["(//visibility:private|//tests[/:][^"]*)"\]', line):
                yield path, number, "private (or for its tests) by default; say more at the target"


def close_reasons(tree):
    header = "transport/close_reason.h"
    if header not in tree.files:
        return
    body = re.search(r"enum class CloseReason[^{]*\{(.*?)\}",
                     tidy_cpp.strip_comments(tree.text(header)), re.DOTALL)
    names = re.findall(r"\b(k[A-Z]\w*)", body[1]) if body else []
    if not names:
        yield header, 1, "no enum class CloseReason found"
    tests = "\n".join(tree.text(path) for path in tree.code("cc") if path.startswith("tests/"))
    docs = "\n".join(tree.text(path) for path in tree.markdown() if path.startswith("docs/"))
    for name in names:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[1:]).lower()
        if not re.search(rf"\bCloseReason::{name}\b", tests):
            yield header, 1, f"no test has CloseReason::{name}"
        if not re.search(rf"\b({name}|{snake})\b", docs):
            yield header, 1, f"docs/ does not explain {snake}"


def readme_commands(tree):
    """README's first two commands are the two that tools/try_fresh_debian and CI rely on."""
    if "README.md" not in tree.files:
        return
    blocks = re.findall(r"^```sh\n(.*?)^```", tree.text("README.md"), re.MULTILINE | re.DOTALL)
    commands = [block.strip().splitlines()[0] for block in blocks[:2] if block.strip()]
    if commands != ["tools/benchmark", "tools/test"]:
        yield "README.md", 1, "its first two sh blocks must be tools/benchmark and tools/test"


def needless_exceptions(tree):
    for path, limit in ((p, FILE_LINES_MAX) for p in tidy_lists.LONG_FILES):
        if path not in tree.files or len(tree.text(path).splitlines()) <= limit:
            yield "tools/tidy_lists.py", 1, f"LONG_FILES: {path} needs no exception"
    for entry in tidy_lists.LONG_FUNCTIONS:
        path, _, name = entry.partition(":")
        found = tidy_cpp.functions(tree.text(path)) if path in tree.files else []
        if not any(n == name and b - a >= FUNCTION_LINES_MAX for n, a, b in found):
            yield "tools/tidy_lists.py", 1, f"LONG_FUNCTIONS: {entry} needs no exception"
    for listed, pattern in ((tidy_lists.CLOCK_READERS, _CLOCK),
                            (tidy_lists.THREAD_STARTERS, _THREAD)):
        for path in (entry for entry in listed if not entry.endswith("/")):
            if not re.search(pattern, tree.files.get(path, "")):
                yield "tools/tidy_lists.py", 1, f"{path} needs no exception"


ALL = (
    file_length, function_length, columns, white_space, header_guard, header_purpose,
    library_headers, public_headers, clock, threads, string_view, leftovers, private_paths,
    markdown_title, private_targets, close_reasons, readme_commands, needless_exceptions,
)
