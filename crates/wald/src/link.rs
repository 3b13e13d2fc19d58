//! The link, top to bottom. A reader starts here.
//!
//! Each phase takes earlier values and returns its own. Inputs were parsed as they arrived ([`crate::pipeline`]).

use crate::ahead::Ahead;
use crate::chunks::Chunks;
use crate::context::Context;
use crate::diagnostics::{Diagnostics, LinkFailure};
use crate::input::Joined;
use crate::layout::function_table::{self, FunctionTable};
use crate::layout::imports::Imports;
use crate::layout::{
    self, indices::Indices, memory, mutable_globals, segments, start_stop, Layout, LinkerCode,
};
use crate::object::Interners;
use crate::options::Options;
use crate::pipeline::Linker;
use crate::program::{Additions, Program};
use crate::result::{LinkResult, Output, Sink};
use crate::timing::Timer;
use crate::{engine_limits, features, map_file, mark_live, merge_strings, output, resolve};
use crate::{scan_relocations, synthetic};

impl Linker {
    /// Joins the inputs in declared order and links them, on as many threads as [`Options::threads`] says.
    pub fn finish_into(self, sink: &mut dyn Sink) -> LinkResult<()> {
        let result = self.join_and_link(false, sink);
        if self.options.leave_memory {
            std::mem::forget(self);
        }
        result
    }

    /// The same as [`Linker::finish_into`], but the linker can be used again: see [`Linker`].
    pub fn link_into(&mut self, sink: &mut dyn Sink) -> LinkResult<()> {
        self.join_and_link(true, sink)
    }

    pub(crate) fn link_joined(
        &self,
        keep: bool,
        sink: &mut dyn Sink,
        diagnostics: &mut Diagnostics,
    ) -> Result<Output<()>, LinkFailure> {
        let timer = &self.timer;
        let inputs = timer.phase("join", || self.join(diagnostics));
        diagnostics.check()?;
        let mut ahead = timer.phase("resolve", || self.complete_ahead());
        if keep {
            timer.phase("keep", || {
                ahead.mark(&self.options);
                self.keep_ahead(ahead.clone());
            });
        }
        link(&self.options, &self.interners, &inputs, ahead, timer, sink, diagnostics)
    }
}

fn link(
    options: &Options,
    interners: &Interners,
    inputs: &Joined<'_>,
    ahead: Ahead,
    timer: &Timer,
    sink: &mut dyn Sink,
    diagnostics: &mut Diagnostics,
) -> Result<Output<()>, LinkFailure> {
    let context = Context::new(options, interners);
    let (folded, earlier, strings) = ahead.into_parts();
    let symbols =
        timer.phase("settle", || resolve::settle(options, interners, inputs, folded, diagnostics))?;
    // Beyond this point no input adds a symbol: definitions are final.
    merge_strings::check_terminated(options, &symbols, diagnostics)?;
    let chunks = Chunks::new(&symbols);
    let live = timer.phase("mark live", || mark_live::mark_live(options, &symbols, &chunks, earlier, timer));
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
    let layout = Layout {
        options,
        interners,
        names: interners.names.snapshot(),
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
    };
    let layout = synthetic::write_code(layout);
    timer.lap("indices");

    // Beyond this point all sizes are known: the rest is writing.
    let plan = timer.phase("layout", || output::plan(&layout, timer));
    let map = options.want_map.then(|| map_file::render(&layout, &plan));
    output::check(&layout, &plan, map.as_deref(), diagnostics)?;
    engine_limits::note(&layout, &plan, diagnostics);
    let module = output::allocate(plan.size, sink, diagnostics)?;
    timer.lap("allocate");
    timer.phase("write", || output::write(&layout, &plan, module, timer, diagnostics))?;
    layout.release(plan);
    options.release((symbols, chunks, live));
    Ok(Output { module: (), map })
}
