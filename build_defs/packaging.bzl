"""What tools/install puts in place, made from the build graph: headers, archives, exports.

    public_headers(name = "hawser_headers", deps = ["//transport:public_headers"])
    merged_archive(name = "hawser_archive", archive = "libhawser.a", deps = ["//transport"])
    exported_symbols(name = "hawser_exports", archive = ":hawser_archive",
                     headers = ":hawser_headers")
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

PublicHeadersInfo = provider(
    doc = "Headers that users may include.",
    fields = {
        "roots": "depset of File: those that the targets name themselves",
        "reachable": "depset of File: where what the roots include is looked for",
    },
)

def _public_headers_impl(ctx):
    contexts = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    info = PublicHeadersInfo(
        roots = depset([h for context in contexts for h in context.direct_public_headers]),
        reachable = depset(transitive = [context.headers for context in contexts]),
    )
    elsewhere = [other[PublicHeadersInfo] for other in ctx.attr.without]
    directory = ctx.actions.declare_directory(ctx.label.name)
    args = ctx.actions.args()
    args.add("--out", directory.path)
    args.add_all(info.roots, before_each = "--root")
    args.add_all(
        depset(transitive = [other.roots for other in elsewhere]),
        before_each = "--elsewhere",
    )
    everything = depset(transitive = [i.reachable for i in [info] + elsewhere])
    args.add_all(everything, before_each = "--header")
    args.add("--generated", ctx.bin_dir.path)
    ctx.actions.run(
        executable = ctx.executable._stage_headers,
        arguments = [args],
        inputs = everything,
        outputs = [directory],
        mnemonic = "StageHeaders",
        progress_message = "Staging the headers of %{label}",
    )
    return [DefaultInfo(files = depset([directory])), info]

public_headers = rule(
    implementation = _public_headers_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo], mandatory = True),
        "without": attr.label_list(providers = [PublicHeadersInfo]),
        "_stage_headers": attr.label(
            default = "//tools/packaging:stage_headers",
            executable = True,
            cfg = "exec",
        ),
    },
    doc = """A directory hawser/... of the headers of deps and what these include.

    Left out is what the targets of `without` have. Includes of our own headers are written as
    "hawser/...", so that they are found from the directory above and never in the user's tree.""",
)

def _objects(deps):
    """The position-independent objects of our own code in deps and all that they need."""
    objects = []
    for dep in deps:
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
            if linker_input.owner.workspace_name:
                continue
            for library in linker_input.libraries:
                objects.extend(library.pic_objects or library.objects or [])
    return objects

def _merged_archive_impl(ctx):
    excluded = {object: True for object in _objects(ctx.attr.without)}
    seen = {}
    for object in _objects(ctx.attr.deps):
        if object not in excluded:
            seen[object] = True
    objects = seen.keys()
    args = ctx.actions.args()
    args.add_all(["qcDs", ctx.outputs.archive])
    args.add_all(objects)
    toolchain = find_cpp_toolchain(ctx)
    ctx.actions.run(
        executable = toolchain.ar_executable,
        arguments = [args],
        inputs = depset(objects, transitive = [toolchain.all_files]),
        outputs = [ctx.outputs.archive],
        mnemonic = "MergeArchive",
        progress_message = "Merging %{output}",
    )

    # The same under a name by which cc_binary takes all of it.
    whole = ctx.actions.declare_file(ctx.label.name + ".lo")
    ctx.actions.symlink(output = whole, target_file = ctx.outputs.archive)
    return [
        DefaultInfo(files = depset([ctx.outputs.archive])),
        OutputGroupInfo(whole = depset([whole])),
    ]

merged_archive = rule(
    implementation = _merged_archive_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo], mandatory = True),
        "without": attr.label_list(providers = [CcInfo]),
        "archive": attr.output(mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    doc = "One archive of all our own objects that deps need, save those that `without` needs.",
)

def exported_symbols(name, archive, headers):
    """The linker's version script, name.lds: exported is what the headers declare.

    Args:
      name: name of the genrule.
      archive: the merged_archive that the shared library is made of.
      headers: the public_headers that say what users may call.
    """
    native.genrule(
        name = name,
        srcs = [archive, headers],
        outs = [name + ".lds"],
        cmd = "$(location //tools/packaging:public_symbols) " +
              "$(location %s) $(location %s) > $@" % (archive, headers),
        tools = ["//tools/packaging:public_symbols"],
    )
