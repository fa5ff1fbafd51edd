"""The libraries that are installed, each as an archive and as a shared library."""

load("//build_defs:cc.bzl", "hawser_cc_binary")
load("//build_defs:packaging.bzl", "exported_symbols", "merged_archive")
load(":version.bzl", "HAWSER_SOVERSION")

# Undefined symbols are errors, save with sanitizers: those come from the program.
NO_UNDEFINED = select({
    ":opt": ["-Wl,-z,defs"],
    "//conditions:default": [],
})

# For one that needs libhawser.so, which lies beside it. What libhawser.so does not export (CHECK,
# how addresses and certificates are read) it has of its own, from libhawser.a.
ON_HAWSER = [
    ":libhawser.so",
    ":libhawser.a",
]

ON_HAWSER_LINKOPTS = ["$(location %s)" % library for library in ON_HAWSER] + [
    "-Wl,--enable-new-dtags",
    "-Wl,-rpath,'$$ORIGIN'",
]

def installed_library(name, parts, headers, deps, on_hawser = False):
    """NAME.a with `parts`, and NAME.so, which exports what the headers declare and nothing else.

    Args:
      name: with "lib" in front, without ending.
      parts: targets whose objects, and those of what they need, it is made of.
      headers: its public_headers.
      deps: the shared library's; not its parts'.
      on_hawser: it is linked to libhawser.so, and has nothing that is part of that.
    """
    merged_archive(
        name = name + "_archive",
        archive = name + ".a",
        without = ["//transport"] if on_hawser else [],
        deps = parts,
    )
    native.filegroup(
        name = name + "_whole",
        srcs = [name + "_archive"],
        output_group = "whole",
    )
    exported_symbols(
        name = name + "_exports",
        archive = name + ".a",
        headers = headers,
    )
    hawser_cc_binary(
        name = name + ".so",
        srcs = [name + "_whole"],
        additional_linker_inputs = [name + "_exports"] + (ON_HAWSER if on_hawser else []),
        linkopts = (ON_HAWSER_LINKOPTS if on_hawser else []) + [
            "-Wl,--version-script=$(location %s_exports)" % name,
            "-Wl,-soname,%s.so.%s" % (name, HAWSER_SOVERSION),
        ] + NO_UNDEFINED,
        linkshared = True,
        deps = deps,
    )
