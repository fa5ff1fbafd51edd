"""clang-tidy as an aspect: one cached action for each source file of our own C++ targets.

    bazel build --config=clang-tidy //...

A finding is an error (.clang-tidy). Headers are checked with the sources that include them.
Generated code and targets tagged "no-clang-tidy" are left out.
"""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

_SOURCES = ["cc"]

def _own_sources(ctx):
    if "no-clang-tidy" in ctx.rule.attr.tags or ctx.label.workspace_name:
        return []
    return [
        file
        for source in getattr(ctx.rule.attr, "srcs", [])
        for file in source.files.to_list()
        if file.is_source and file.extension in _SOURCES
    ]

def _compile_flags(ctx, compilation):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        user_compile_flags = ctx.fragments.cpp.cxxopts + ctx.fragments.cpp.copts +
                             getattr(ctx.rule.attr, "copts", []),
        include_directories = compilation.includes,
        quote_include_directories = compilation.quote_includes,
        system_include_directories = compilation.system_includes,
        preprocessor_defines = depset(
            transitive = [compilation.defines, compilation.local_defines],
        ),
    )
    return cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = variables,
    )

def _clang_tidy_aspect_impl(target, ctx):
    sources = _own_sources(ctx) if CcInfo in target else []
    if not sources:
        return [OutputGroupInfo(clang_tidy = depset())]
    compilation = target[CcInfo].compilation_context
    flags = _compile_flags(ctx, compilation)
    stamps = []
    for source in sources:
        stamp = ctx.actions.declare_file("%s.%s.clang-tidy" % (ctx.label.name, source.basename))
        stamps.append(stamp)
        ctx.actions.run(
            mnemonic = "ClangTidy",
            progress_message = "clang-tidy " + source.short_path,
            executable = ctx.executable._runner,
            arguments = [stamp.path, ctx.file._config.path, source.path] + flags,
            inputs = depset(
                [source, ctx.file._config],
                transitive = [compilation.headers],
            ),
            outputs = [stamp],
        )
    return [OutputGroupInfo(clang_tidy = depset(stamps))]

clang_tidy_aspect = aspect(
    implementation = _clang_tidy_aspect_impl,
    attrs = {
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_config": attr.label(default = "//:.clang-tidy", allow_single_file = True),
        "_runner": attr.label(
            default = "//build_defs:run_clang_tidy",
            executable = True,
            cfg = "exec",
        ),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
