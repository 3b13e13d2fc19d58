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
use crate::layout::{self, indices::Indices, memory, mutable_globals, segments, start_stop, Layout};
use crate::object::Interners;
use crate::options::Options;
use crate::pipeline::Linker;
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
    let mut symbols =
        timer.phase("settle", || resolve::settle(options, interners, inputs, folded, diagnostics))?;
    // Beyond this point no input adds a symbol: definitions are final.
    merge_strings::check_terminated(options, &symbols, diagnostics)?;
    let chunks = Chunks::new(&symbols);
    let mut live =
        timer.phase("mark live", || mark_live::mark_live(options, &symbols, &chunks, earlier, timer));
    mark_live::print_removed(&context, &symbols, &chunks, &live, diagnostics);
    function_table::resolve(&context, false, &mut symbols, &mut live, diagnostics);
    diagnostics.check()?;

    // Beyond this point it is final which chunks of the inputs are linked.
    let mut segments = timer.phase("segments", || segments::create(options, &symbols, &chunks, &live));
    let memory = memory::place(options, &symbols, &mut segments, diagnostics);
    start_stop::define(&context, &segments, &memory, &mut symbols, &mut live, diagnostics);
    // Beyond this point addresses are final.
    let (features, mut imports) = rayon::join(
        || features::collect(options, &symbols, &chunks, &live, diagnostics),
        || Imports::collect(&context, &symbols, &chunks, &live),
    );
    layout::combine_segments(options, &features, &mut segments);
    timer.lap("imports");
    let scan = timer.phase("scan relocations", || {
        scan_relocations::scan(&context, &mut symbols, &chunks, &segments, &mut live, diagnostics)
    });
    if scan.needs_table(&symbols) && function_table::is_missing(options, &symbols, &imports) {
        function_table::resolve(&context, true, &mut symbols, &mut live, diagnostics);
        function_table::import_late(&context, &symbols, &mut imports);
    }
    imports.add_got(&scan.imported_got);
    let start = synthetic::add_start_up(&context, &features, &segments, &scan, &mut symbols, &mut live);
    synthetic::trace_start_up(&context, &symbols, diagnostics);

    // Beyond this point it is final what stands in the output; it gets its indices.
    let constructors = synthetic::collect_constructors(&context, &symbols, &chunks, &live, diagnostics);
    let (mut table, mut indices) = rayon::join(
        || FunctionTable::new(options, &symbols, &chunks, scan.table),
        || Indices::assign(&context, &symbols, &chunks, &live, &imports, scan.internal_got, diagnostics),
    );
    synthetic::wrap_commands(&context, &constructors, &mut symbols, &mut live, &mut indices);
    diagnostics.check()?;
    indices.collect_types(&symbols, &imports, &scan.types);
    indices.collect_exports(&context, &symbols, &chunks, &live, &imports, &features);
    table.declare(options, &symbols, &chunks, &live, &imports, &indices);
    mutable_globals::check(&context, &features, &symbols, &imports, &indices, diagnostics);
    let mut layout = Layout {
        options,
        interners,
        names: interners.names.snapshot(),
        symbols,
        chunks,
        live,
        strings,
        features,
        segments,
        memory,
        imports,
        indices,
        table,
        constructors,
        synthetic_bodies: Vec::new(),
        start,
    };
    synthetic::write_bodies(&mut layout);
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
    Ok(Output { module: (), map })
}
