//! The link, top to bottom. A reader starts here.
//!
//! Each phase takes earlier values and returns its own. Inputs were parsed as they arrived ([`crate::linker`]).

use crate::chunks::Chunks;
use crate::context::Context;
use crate::diagnostics::{Diagnostics, LinkFailure};
use crate::incremental::HeadStart;
use crate::input::Joined;
use crate::layout::function_table::{self, FunctionTable};
use crate::layout::imports::Imports;
use crate::layout::{
    self, indices::Indices, memory, mutable_globals, segments, start_stop, Layout, LinkerCode,
};
use crate::leftovers::Leftovers;
use crate::program::{Additions, Program};
use crate::result::Sink;
use crate::timing::Timer;
use crate::{engine_limits, features, map_file, mark_live, merge_strings, output, resolve};
use crate::{scan_relocations, synthetic};

/// Links the joined inputs.
pub(crate) fn link(
    context: Context<'_>,
    inputs: &Joined<'_>,
    head_start: HeadStart,
    timer: &Timer,
    sink: &mut dyn Sink,
    diagnostics: &mut Diagnostics,
) -> Result<Leftovers, LinkFailure> {
    let options = context.options;
    let HeadStart { folded, marks, strings } = head_start;
    let settled = timer.phase("settle", || resolve::settle(&context, inputs, folded, diagnostics))?;
    // Without symbols, objects are generated elsewhere, and linked by another command.
    let Some(symbols) = settled else { return Ok(Leftovers::default()) };
    // Beyond this point no input adds a symbol: definitions are final.
    merge_strings::check_terminated(options, &symbols, diagnostics)?;
    let chunks = Chunks::new(&symbols);
    let find_live = || mark_live::mark_live(options, &symbols, &chunks, marks.fit(&symbols, &chunks, timer));
    let live = timer.phase("mark live", find_live);
    mark_live::print_removed(&context, &symbols, &chunks, &live, diagnostics);
    // Beyond this point it is final which chunks of the inputs are linked. What the linker itself defines is added on top.
    let nothing = Additions::new(&symbols);
    let program = Program::new(&symbols, &chunks, &live, &nothing);
    let table_symbol = function_table::resolve(&context, program, diagnostics);
    let program = program.with(&table_symbol);
    diagnostics.check()?;
    let segments = timer.phase("segments", || segments::create(options, program));
    let (segments, memory) = memory::place(options, program, segments, diagnostics);
    let bounds = start_stop::define(&context, program, &segments, &memory, diagnostics);
    let program = program.with(&bounds);
    // Beyond this point addresses are final.
    let features = features::collect(options, program, diagnostics);
    let segments = layout::combine_segments(options, &features, segments);
    let scan =
        timer.phase("scan relocations", || scan_relocations::scan(&context, program, &segments, diagnostics));
    let (table_symbol, late_table) = scan.require_table(&context, program, diagnostics);
    let program = program.with(&table_symbol);
    let (imports, (start_up, start)) = rayon::join(
        || Imports::collect(&context, program, late_table, &scan.imported_got),
        || synthetic::add_start_up(&context, program, &features, &segments, &scan, diagnostics),
    );
    let program = program.with(&start_up);
    timer.lap("imports");
    let constructors = synthetic::collect_constructors(&context, program, diagnostics);
    let wrappers = synthetic::wrap_commands(&context, program, &constructors);
    let program = program.with(&wrappers);

    // Beyond this point the contents of the output are final. They get their indices.
    let (got, types) = (scan.internal_got, &scan.types);
    let (table, indices) = rayon::join(
        || FunctionTable::new(options, program, scan.table),
        || Indices::assign(&context, program, &imports, &features, got, types, diagnostics),
    );
    let indices = indices?;
    mutable_globals::check(&context, &features, program, &imports, &indices, diagnostics);
    diagnostics.extend_if_none(scan.impossible);
    // Beyond this point there are no new names and signatures.
    let interned = context.freeze();
    let layout = synthetic::write_code(Layout {
        options,
        names: &interned.names,
        signatures: &interned.signatures,
        program,
        strings,
        features,
        segments,
        memory,
        declared: function_table::declare(options, program, &table, &imports, &indices),
        imports,
        indices,
        table,
        constructors,
        code: LinkerCode::default(),
        start,
    });
    timer.lap("indices");

    // Beyond this point all sizes are known: the rest is writing.
    let plan = timer.phase("layout", || output::plan(&layout, timer));
    diagnostics.keep_map(options.want_map.then(|| map_file::render(&layout, &plan)));
    output::check(&layout, &plan, diagnostics)?;
    engine_limits::note(&layout, &plan, diagnostics);
    let room = output::make_room(&layout, &plan, sink, diagnostics)?;
    timer.lap("allocate");
    timer.phase("write", || output::write(&layout, &plan, room, timer, diagnostics))?;
    let mut leftovers = layout.into_leftovers();
    leftovers.add((plan, symbols, chunks, live));
    Ok(leftovers)
}
