//! What became of the symbols and files that a pattern matches.

use hashbrown::HashSet;
use wald_demangle::Demangler;

use super::graph::Graph;
use super::nodes::{demangled, NodeMap};
use super::patterns::Pattern;
use crate::chunks::Target;
use crate::format::{section, SymbolKind};
use crate::index::{FileId, ObjectId, ObjectSymbolIndex, SymbolId};
use crate::input::Joined;
use crate::layout::Layout;
use crate::output::Plan;
use crate::report::{Answer, Explanation, Fate, Report};
use crate::symbols::{Reference, Resolution};
use crate::text::Text;

/// The answers to all patterns.
pub(super) fn explain(
    (layout, plan, inputs): (&Layout<'_>, &Plan, &Joined<'_>),
    graph: &Graph<'_>,
    map: &NodeMap,
    report: &Report,
) -> Vec<Explanation> {
    let patterns = &layout.options.explain_symbols;
    let explain = |text: &String| {
        let pattern = Pattern::new(text);
        let (demangler, present) = (Demangler::new(), HashSet::new());
        let mut search = Search { layout, plan, inputs, graph, map, demangler, present, answers: Vec::new() };
        search.symbols_of_objects(&pattern);
        search.other_symbols(&pattern);
        search.files(&pattern, report);
        search.sections(&pattern, report);
        // What is there comes first.
        search.answers.sort_by_key(|answer| match answer.fate {
            Fate::Present(_) => 0,
            Fate::Section(_) => 1,
            Fate::File(_) => 2,
            _ => 3,
        });
        Explanation { pattern: text.clone(), answers: search.answers }
    };
    patterns.iter().map(explain).collect()
}

struct Search<'a> {
    layout: &'a Layout<'a>,
    plan: &'a Plan,
    inputs: &'a Joined<'a>,
    graph: &'a Graph<'a>,
    map: &'a NodeMap,
    demangler: Demangler,
    /// Nodes with an answer.
    present: HashSet<u32>,
    answers: Vec<Answer>,
}

impl Search<'_> {
    fn answer(&mut self, name: &[u8], file: Option<&str>, fate: Fate) {
        if let Fate::Present(node) = fate {
            if !self.present.insert(node) {
                return;
            }
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let demangled = match fate {
            Fate::File(_) | Fate::Section(_) | Fate::Stripped => None,
            _ => demangled(&mut self.demangler, &name),
        };
        let answer = Answer { name, demangled, file: file.map(Text::from), fate };
        // Several references can lead to the same answer.
        if !self.answers.contains(&answer) {
            self.answers.push(answer);
        }
    }

    /// Definitions of the linked objects.
    fn symbols_of_objects(&mut self, pattern: &Pattern<'_>) {
        let program = self.layout.program;
        for (position, linked) in program.objects.iter().enumerate() {
            let (id, object) = (ObjectId::new(position), linked.object());
            for (index, symbol) in (0..).zip(&object.symbols) {
                let is_named = symbol.is_defined() && symbol.kind != SymbolKind::Section;
                let name = symbol.name_in(object);
                if is_named && pattern.matches_symbol(name, &mut self.demangler) {
                    let fate = self.fate_of_definition(id, index);
                    self.answer(name, Some(&linked.path), fate);
                }
            }
        }
    }

    /// What became of an object's own definition.
    fn fate_of_definition(&self, id: ObjectId, index: u32) -> Fate {
        let program = self.layout.program;
        let linked = &program.objects[id.at()];
        let (object, own) = (linked.object(), linked.own(ObjectSymbolIndex(index)));
        let position = object.chunk_of(own);
        let target = position.map(|position| Target::new(id, own.kind, position));
        let node = target.and_then(|target| self.map.node(self.graph.numbering.of_chunk(target)?));
        if let Some(node) = node {
            return Fate::Present(node);
        }
        let comdat = match (own.kind, position) {
            (SymbolKind::Function, Some(at)) => object.functions[at as usize].comdat,
            (SymbolKind::Data, Some(at)) => object.segments[at as usize].comdat,
            _ => crate::object::NONE,
        };
        if linked.is_discarded(comdat) {
            return Fate::OtherCopy;
        }
        let Reference::Global(symbol) = linked.reference(index) else { return Fate::Unreachable };
        let owner = program.definition(program.get(symbol));
        match (owner, target) {
            (Some((owner, _)), _) if owner != id => Fate::OtherDefinition,
            // Common and absolute data have no chunk.
            (Some(_), None) => self.fate_of_number(self.graph.numbering.of_symbol(symbol)),
            (None, _) if program.get(symbol).is_defined() => Fate::OtherDefinition,
            _ => Fate::Unreachable,
        }
    }

    fn fate_of_number(&self, number: u32) -> Fate {
        self.map.node(number).map_or(Fate::Unreachable, Fate::Present)
    }

    /// Symbols that no linked object defines.
    fn other_symbols(&mut self, pattern: &Pattern<'_>) {
        let layout = self.layout;
        let program = layout.program;
        for id in (0..program.symbol_count()).map(SymbolId::new) {
            let symbol = program.get(id);
            let name = layout.names.text(symbol.name.0);
            let is_meant = |name: &[u8], demangler: &mut Demangler| pattern.matches_symbol(name, demangler);
            // An import can have another name than its symbol.
            let field = symbol.import.field.map(|field| layout.names.text(field.0));
            if symbol.resolution == Resolution::Object
                || !is_meant(name, &mut self.demangler)
                    && !field.is_some_and(|field| is_meant(field, &mut self.demangler))
            {
                continue;
            }
            let number = self.graph.numbering.of_symbol(id);
            let file = symbol.file.map(|file| self.file_name(file));
            let fate = match (symbol.resolution, self.map.node(number)) {
                (Resolution::Synthetic(_), None) => Fate::NotNeeded,
                (Resolution::Lazy, _) => Fate::NotExtracted,
                (Resolution::Shared, None) => Fate::Shared,
                (Resolution::Undefined, Some(node)) if layout.imports.index_of(id).is_none() => {
                    // A function that traps may stand in for it.
                    match symbol.stub {
                        Some(_) => Fate::Present(node),
                        None => Fate::Undefined,
                    }
                }
                (_, Some(node)) => Fate::Present(node),
                (_, None) => Fate::Undefined,
            };
            self.answer(name, file.as_deref(), fate);
        }
    }

    fn file_name(&self, file: FileId) -> String {
        match self.inputs.files.get(file.at()) {
            Some(candidate) => candidate.display(),
            None => String::new(),
        }
    }

    /// Linked files, and archive members that were not needed.
    fn files(&mut self, pattern: &Pattern<'_>, report: &Report) {
        for (number, file) in (0..).zip(&report.files) {
            if pattern.matches_file(&file.path, file.member.as_deref()) {
                let name = report.file_name(number);
                self.answer(name.as_bytes(), Some(&name), Fate::File(number));
            }
        }
        let program = self.layout.program;
        for (position, candidate) in self.inputs.files.iter().enumerate() {
            let (path, member) = (&candidate.name.path, candidate.name.member.as_deref());
            // Without a member's name, an archive would be as many answers as it has members.
            let is_linked = program.object_of(FileId::new(position)).is_some() || !candidate.lazy;
            if !is_linked
                && member.is_some()
                && pattern.matches_file(path, member)
                && !pattern.matches_file(path, None)
            {
                let name = candidate.display();
                self.answer(name.as_bytes(), Some(&name), Fate::NotExtracted);
            }
        }
    }

    /// Custom sections, also those that options have removed.
    fn sections(&mut self, pattern: &Pattern<'_>, report: &Report) {
        for (number, section) in (0..).zip(&report.sections) {
            if section.id == section::CUSTOM && pattern.matches(&section.name) {
                self.answer(section.name.as_bytes(), None, Fate::Section(number));
            }
        }
        let (layout, plan) = (self.layout, self.plan);
        if !layout.options.strip_all && !layout.options.strip_debug {
            return;
        }
        for linked in layout.program.objects {
            let object = linked.object();
            for section in &object.custom_sections {
                let name = section.name.of(&object.bytes);
                let is_there = plan.sections.iter().any(|section| section.name == name);
                let is_stripped = name.starts_with(b".debug_") || layout.options.strip_all;
                if is_stripped && !is_there && pattern.matches(&String::from_utf8_lossy(name)) {
                    self.answer(name, None, Fate::Stripped);
                }
            }
        }
    }
}
