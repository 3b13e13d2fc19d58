"""Distributed ThinLTO with Bazel: each backend compilation is an action whose inputs are exactly what it reads.

The linker is $WALD, by default wald: bazel build --action_env=WALD=/path/to/wald //:app
"""

TARGET = "--target=wasm32-unknown-unknown"
LINK_FLAGS = "--no-entry --strip-debug"

# As the linker generates code with --lto-O2: its LLVM vectorizes loops, and no code by SLP.
CODEGEN = (
    "-O2 -fvectorize -fno-slp-vectorize -funroll-loops -mthread-model posix -mcpu= " +
    "-Xclang -mrelocation-model -Xclang static -Wno-unused-command-line-argument"
)

def _run(ctx, mnemonic, label, inputs, outputs, command):
    ctx.actions.run_shell(
        mnemonic = mnemonic,
        progress_message = mnemonic + " " + label,
        inputs = inputs,
        outputs = outputs,
        command = command,
        use_default_shell_env = True,
    )

def _compile(ctx, source, folder, flags):
    """Compiles a source to an object or to bitcode."""
    stem = source.basename[:-2]
    object = ctx.actions.declare_file("%s/%s.o" % (folder, stem))
    command = "clang-22 %s -O2 %s -c %s -o %s" % (TARGET, flags, source.path, object.path)
    _run(ctx, "Compile", object.short_path, [source], [object], command)
    return object

def _paths(files):
    return " ".join([file.path for file in files])

def _index(ctx, natives, modules, library):
    """The thin link. Returns the list of objects, and for each module its index and the list of modules it imports from."""
    list_file = ctx.actions.declare_file("index/list")
    indexes = []
    for module in modules + library:
        index = ctx.actions.declare_file("index/%s.thinlto.bc" % module.basename)
        imports = ctx.actions.declare_file("index/%s.imports" % module.basename)
        indexes.append(struct(module = module, index = index, imports = imports))
    folder = list_file.dirname
    root = folder[:-len("index")]
    command = " ".join([
        '"${WALD:-wald}"',
        LINK_FLAGS,
        "--thinlto-index-only=" + list_file.path,
        "--thinlto-emit-imports-files",
        "'--thinlto-prefix-replace=%sbitcode/;%s/;%snative/'" % (root, folder, root),
        _paths(natives + modules),
        "--start-lib",
        _paths(library),
        "--end-lib",
    ])
    outputs = [list_file]
    for each in indexes:
        outputs += [each.index, each.imports]
    _run(ctx, "ThinLtoIndex", ctx.label.name, natives + modules + library, outputs, command)
    return list_file, indexes

def _backend(ctx, each, bitcode):
    """Compiles a module.

    Which modules it imports from is known only after the thin link, and a rule has to name inputs before. So an action copies them
    to a folder. It runs whenever anything changes, but the backend's input is only the folder: it runs if the folder's contents
    have changed, and a remote machine gets nothing else.
    """
    inputs = ctx.actions.declare_directory("inputs/" + each.module.basename)
    copy = """
for file in {module} {index} $(cat {imports}); do
  mkdir -p "{inputs}/$(dirname "$file")"
  cp "$file" "{inputs}/$file"
done""".format(module = each.module.path, index = each.index.path, imports = each.imports.path, inputs = inputs.path)
    _run(ctx, "ThinLtoInputs", each.module.basename, bitcode + [each.index, each.imports], [inputs], copy)

    object = ctx.actions.declare_file("native/" + each.module.basename)
    compile = 'output=$PWD/%s; cd %s; clang-22 %s %s -c -x ir %s -fthinlto-index=%s -o "$output"' % (
        object.path,
        inputs.path,
        TARGET,
        CODEGEN,
        each.module.path,
        each.index.path,
    )

    # clang 22 leaves an empty object, and its exit code is 0, if a module to import from is missing.
    _run(ctx, "ThinLtoBackend", each.module.basename, [inputs], [object], compile + ' && test -s "$output"')
    return object

def _thinlto_module_impl(ctx):
    modules = [_compile(ctx, source, "bitcode", "-flto=thin") for source in ctx.files.srcs]
    library = [_compile(ctx, source, "bitcode", "-flto=thin") for source in ctx.files.lib_srcs]
    natives = [_compile(ctx, source, "objects", "") for source in ctx.files.native_srcs]
    list_file, indexes = _index(ctx, natives, modules, library)
    objects = [_backend(ctx, each, modules + library) for each in indexes]
    output = ctx.actions.declare_file(ctx.label.name + ".wasm")

    # Objects that are not bitcode come first. The index lists them first too: the order of symbols decides that of exports.
    link = '"${WALD:-wald}" %s %s @%s -o %s' % (LINK_FLAGS, _paths(natives), list_file.path, output.path)
    _run(ctx, "Link", output.short_path, natives + objects + [list_file], [output], link)
    return [DefaultInfo(files = depset([output]))]

thinlto_module = rule(
    implementation = _thinlto_module_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".c"]),
        "lib_srcs": attr.label_list(allow_files = [".c"]),
        "native_srcs": attr.label_list(allow_files = [".c"]),
    },
)
