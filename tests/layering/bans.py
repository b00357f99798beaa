# SPDX-License-Identifier: Apache-2.0
"""What may not be written, and why. Each ban: name, which files, pattern, reason."""
import pathlib
import re

LINE_LIMIT = 500
TEXT = (".cpp", ".hpp", ".py", ".sh", ".cmake", ".txt", ".js", ".css", ".html", ".yaml", ".yml", ".md")
# Prose, and what is generated or is data, has no line limit.
NO_LIMIT = re.compile(r"(^|/)(LICENSE|CHANGELOG\.md)$|^docs/|^helm/.*/crds/|\.md$|dashboards/")
BANNED_NAMES = re.compile(r"(^|[_/-])(utils?|helpers?|misc|common_stuff)([_./-]|$)")


def cpp(name):
    return name.endswith((".cpp", ".hpp"))


def product(name):
    return cpp(name) and name.split("/")[0] in ("common", "controller", "dataplane", "ctl")


def daemon(name):
    return product(name) and not name.startswith("ctl/") and not name.endswith("/main.cpp")


class Ban:
    def __init__(self, name, applies, pattern, reason, mark=None, raw=False):
        self.name, self.applies, self.pattern = name, applies, re.compile(pattern)
        self.reason, self.mark, self.raw = reason, mark, raw


def anywhere(name):
    # This folder names what it bans.
    return not name.startswith("tests/layering/")


BANS = [
    Ban("todo", anywhere, r"\b(TODO|FIXME|XXX|HACK)\b(?!-)",
        "finish it, or write an issue: notes in code are not found again", raw=True),
    Ban("using-std", cpp, r"\busing\s+namespace\s+std\b(?!::)",
        "hides where names come from and makes overloads ambiguous"),
    Ban("c-string", cpp, r"(?<![\w:.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof)\s*\(",
        "no bounds, or no error: use std::string, std::from_chars"),
    Ban("shell", product, r"(?<![\w.>])(::)?(std::)?(system|popen|execl|execlp|execvp)\s*\(",
        "text from a cluster object must never become a command"),
    Ban("std-regex", product, r"\bstd::(basic_)?regex\b",
        "its matcher recurses per byte: outside text overflows the stack"),
    Ban("rand", product, r"(?<![\w:.>])(std::)?(rand|srand)\s*\(",
        "global state and a lock; use a std engine owned by its user"),
    Ban("sleep", product, r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(",
        "blocks a loop that others wait on; use a timer"),
    Ban("detach", cpp, r"\.detach\s*\(\s*\)",
        "a thread nobody joins outlives what it uses"),
    Ban("stdio", daemon, r"\bstd::(cerr|clog)\b|(?<![\w:])f?printf\s*\(\s*stderr",
        "use the folder's logger; main.cpp reports start-up errors"),
    Ban("volatile", product, r"\bvolatile\b", "is not synchronisation"),
    Ban("locks", product,
        r"\bstd::(mutex|recursive_mutex|shared_mutex|timed_mutex|condition_variable|thread|jthread|atomic\w*"
        r"|lock_guard|unique_lock|scoped_lock|call_once|promise|future|async)\b",
        "a worker shares nothing mutable: the only way across is a post", mark="hot"),
    Ban("throw", product, r"\bthrow\b(?!\(\))", "no exceptions on the request path: return an error", mark="hot"),
    Ban("coroutine", product, r"\bco_(await|return|yield|spawn)\b",
        "hot sessions are explicit state machines: a coroutine frame is an allocation per step", mark="hot"),
    Ban("mutable-shared", product, r"\b(std::)?make_shared<(?!\s*const\b)",
        "shared_ptr only to const, and made on the control thread", mark="hot"),
    Ban("clock", product, r"_clock::now\s*\(|(?<![\w.>])(::)?(time|gettimeofday|clock_gettime)\s*\(",
        "pure code takes the time as an argument", mark="pure"),
    Ban("threads", product, r"\bstd::(mutex|thread|jthread|atomic|condition_variable)\b|\bthread_local\b",
        "pure code has no shared state", mark="pure"),
    Ban("io", product, r"\bstd::(cout|ifstream|ofstream|fstream|filesystem)\b|(?<![\w.>:])::(open|read|write|socket)\s*\(",
        "pure code does no I/O", mark="pure"),
]


def excused(line, ban):
    return re.search(rf"(//|#) layering: allow {re.escape(ban)}: \S", line) is not None


def strip_code(text):
    """Blanks comments and literals, keeping line numbers."""
    token = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)
    return token.sub(lambda m: '""' + "\n" * m.group().count("\n") if m.group()[0] in 'R"' else
                     " " + "\n" * m.group().count("\n"), text)


def is_text(name):
    return name.endswith(TEXT)


def check(name, text, marks, report):
    path = pathlib.PurePosixPath(name)
    lines = text.splitlines()
    if len(lines) > LINE_LIMIT and not NO_LIMIT.search(name):
        report(name, LINE_LIMIT, "length", f"{len(lines)} lines, the limit is {LINE_LIMIT}: split it by role")
    if BANNED_NAMES.search(path.name) or any(BANNED_NAMES.fullmatch(part) for part in path.parts[:-1]):
        report(name, 1, "name", "file names are roles; this name says nothing")
    if cpp(name) and (not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]):
        report(name, 1, "licence", "first line must be // SPDX-License-Identifier: Apache-2.0")
    if name.endswith(".hpp") and "#pragma once" not in text:
        report(name, 1, "guard", "no #pragma once")
    code = strip_code(text).splitlines() if cpp(name) else lines
    for ban in BANS:
        if not ban.applies(name) or (ban.mark and ban.mark not in marks):
            continue
        for number, line in enumerate(lines if ban.raw else code, 1):
            if ban.pattern.search(line) and not excused(lines[number - 1], ban.name):
                report(name, number, ban.name, ban.reason)
