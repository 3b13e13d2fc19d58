//! The link, top to bottom. A reader starts here.
//!
//! Each phase takes earlier values and returns its own. Inputs were parsed as they arrived ([`crate::linker`]).

use crate::chunks::Chunks;
use crate::context::Context;
use crate::diagnostics::{Diagnostics, LinkFailure};
use crate::incremental::HeadStart;
use crate::input::Joined;
use crate::kept_layout::{self, KeptLayout, LaidOut, Linked, Start};
use crate::layout::function_table::{self, FunctionTable};
use crate::layout::imports::Imports;
use crate::layout::{
    self, indices::Indices, memory, mutable_globals, segments, start_stop, Decisions, Layout, LinkerCode,
};
use crate::program::{Additions, Contents, Program};
use crate::result::Sink;
use crate::timing::Timer;
use crate::{advice, engine_limits, features, make_report, map_file, mark_live, merge_strings};
use crate::{one_definition, output, relocation_errors, resolve, scan_relocations, synthetic, undefined};

/// Links the joined inputs.
pub(crate) fn link(
    context: Context<'_>,
    inputs: &Joined<'_>,
    start: Start,
    timer: &Timer,
    sink: &mut dyn Sink,
    diagnostics: &mut Diagnostics,
) -> Result<Linked, LinkFailure> {
    let options = context.options;
    let (laid_out, strings, earlier) = match start {
        Start::Inputs(head_start) => {
            let strings = head_start.strings.clone();
            let laid_out = lay_out(&context, inputs, *head_start, timer, diagnostics)?;
            let Some(laid_out) = laid_out else { return Ok(Linked::default()) };
            (laid_out, strings, None)
        }
        Start::Layout(kept, strings) => {
            let KeptLayout { contents, decisions, plan, replaced, output } = *kept;
            let laid_out = LaidOut { contents, decisions, is_reusable: true };
            (laid_out, strings, Some((plan, replaced, output)))
        }
    };
    // Beyond this point there are no new names and signatures.
    let interned = context.freeze();
    let LaidOut { contents, decisions, is_reusable } = laid_out;
    let (names, signatures, program) = (&interned.names, &interned.signatures, contents.program());
    let layout = Layout { options, names, signatures, program, strings, decisions };
    let layout = if earlier.is_some() { layout } else { synthetic::write_code(layout) };
    timer.lap("indices");

    // Beyond this point all sizes are known: the rest is writing.
    let (plan, output) = timer.phase("layout", || output::plan(&layout, earlier, timer));
    diagnostics.keep_map(options.want_map.then(|| map_file::render(&layout, &plan)));
    output::check(&layout, &plan, diagnostics)?;
    engine_limits::note(&layout, &plan, diagnostics);
    advice::note(&layout, diagnostics);
    make_report::add(&layout, &plan, inputs, timer, diagnostics);
    let room = output::make_room(&layout, &plan, sink, diagnostics)?;
    timer.lap("allocate");
    let output = timer.phase("write", || output::write(&layout, &plan, room, output, timer, diagnostics))?;
    let is_reusable = is_reusable && layout.strings.is_kept() && output::is_adaptable(options);
    let laid_out = LaidOut { decisions: layout.decisions, contents, is_reusable };
    Ok(Linked::new(laid_out, plan, output.unwrap_or_default()))
}

/// Decides what is in the output, and where. `None` if the link ends before.
fn lay_out(
    context: &Context<'_>,
    inputs: &Joined<'_>,
    head_start: HeadStart,
    timer: &Timer,
    diagnostics: &mut Diagnostics,
) -> Result<Option<LaidOut>, LinkFailure> {
    let options = context.options;
    let HeadStart { folded, marks, .. } = head_start;
    let before = diagnostics.extent();
    let settled = timer.phase("settle", || resolve::settle(context, inputs, folded, diagnostics))?;
    // Without symbols, objects are generated elsewhere, and linked by another command.
    let Some(symbols) = settled else { return Ok(None) };
    // Beyond this point no input adds a symbol: definitions are final.
    merge_strings::check_terminated(options, &symbols, diagnostics)?;
    one_definition::check(options, &symbols, diagnostics);
    let chunks = Chunks::new(&symbols);
    let find_live = || mark_live::mark_live(options, &symbols, &chunks, marks.fit(&symbols, &chunks, timer));
    let live = timer.phase("mark live", find_live);
    mark_live::print_removed(context, &symbols, &chunks, &live, diagnostics);
    // Beyond this point it is final which chunks of the inputs are linked. What the linker itself defines is added on top.
    let nothing = Additions::new(&symbols);
    let program = Program::new(&symbols, &chunks, &live, &nothing);
    let table_symbol = function_table::resolve(context, program, diagnostics);
    let program = program.with(&table_symbol);
    diagnostics.check()?;
    let segments = timer.phase("segments", || segments::create(options, program));
    let (segments, memory) = memory::place(options, program, segments, diagnostics);
    let (bounds, missing) = start_stop::define(context, program, &segments, &memory, diagnostics);
    let program = program.with(&bounds);
    // Beyond this point addresses are final.
    let features = features::collect(options, inputs, program, diagnostics);
    let segments = layout::combine_segments(options, &features, segments);
    let find = || scan_relocations::scan(context, program, &segments, diagnostics);
    let mut scan = timer.phase("scan relocations", find);
    undefined::explain(context, inputs, &symbols, program, (&missing, &scan.undefined), diagnostics);
    relocation_errors::explain(context, inputs, program, &mut scan, diagnostics);
    let (table_symbol, late_table) = scan.require_table(context, program, diagnostics);
    let program = program.with(&table_symbol);
    let (imports, (start_up, start)) = rayon::join(
        || Imports::collect(context, program, late_table, &scan.imported_got),
        || synthetic::add_start_up(context, program, &features, &segments, &scan, diagnostics),
    );
    let program = program.with(&start_up);
    timer.lap("imports");
    let constructors = synthetic::collect_constructors(context, program, diagnostics);
    let wrappers = synthetic::wrap_commands(context, program, &constructors);
    let program = program.with(&wrappers);

    // Beyond this point the contents of the output are final. They get their indices.
    let (got, types) = (scan.internal_got, &scan.types);
    let (table, indices) = rayon::join(
        || FunctionTable::new(options, program, scan.table),
        || Indices::assign(context, program, &imports, &features, got, types, diagnostics),
    );
    let indices = indices?;
    mutable_globals::check(context, &features, program, &imports, &indices, diagnostics);
    diagnostics.extend_if_none(scan.impossible);
    advice::note_options(context, inputs, &symbols, program, diagnostics);
    let declared = function_table::declare(options, program, &table, &imports, &indices);
    let is_reusable = !(scan.has_read_code
        || kept_layout::depends_on_relocations(program)
        || !symbols.bitcode.is_empty()
        || diagnostics.extent() != before);
    let code = LinkerCode::default();
    let decisions = Decisions {
        features,
        segments,
        memory,
        imports,
        indices,
        table,
        constructors,
        declared,
        code,
        start,
    };
    let contents = Contents { symbols, chunks, live, added_before_scan: bounds, added: wrappers };
    Ok(Some(LaidOut { contents, decisions, is_reusable }))
}
