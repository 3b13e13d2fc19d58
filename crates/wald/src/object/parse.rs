//! Sections of a relocatable object, one after another.
//! See <https://webassembly.github.io/spec/core/binary/modules.html>.

use std::sync::OnceLock;

use super::custom::{read_features, read_names, read_producers, Counts};
use super::locals::locals_before;
use super::parts::{Linking, Parts};
use super::properties::{Properties, SegmentFamily};
use super::read::{
    check_header, constant_expression, count, global_type, next_section, range_of, read_limits, table_type,
    value_type,
};
use super::tables::{
    InputFunction, InputGlobal, InputSection, InputSegment, InputTable, Interners, Object, MAX_LOCALS, NONE,
};
use super::{elements, linking, relocations};
use crate::bytes::Bytes;
use crate::format::{external, limits, section, types};
use crate::index::{ByteRange, SignatureId};
use crate::leb128::Reader;
use crate::parse_error::{ErrorKind, ParseError};

impl Object {
    /// Parses `bytes` as a relocatable object.
    pub fn parse(bytes: Bytes, interners: &Interners) -> Result<Object, ParseError> {
        parse(bytes, interners)
    }
}

fn parse(bytes: Bytes, interners: &Interners) -> Result<Object, ParseError> {
    let data: &[u8] = &bytes;
    check_header(data)?;
    if data.len() > u32::MAX as usize - 16 {
        return Err(ParseError::malformed(0, "objects of 4 GiB and more are not possible in this format"));
    }
    let mut parts = Parts::default();
    let mut reader = Reader::within(data, 8, data.len());
    while !reader.is_empty() {
        let (id, section) = next_section(&mut reader, data)?;
        parts.check_order(id, section.clone(), data)?;
        parts.section(id, section, data, interners)?;
        parts.section_count += 1;
    }
    let linking = match parts.linking.take() {
        Some(linking) => linking,
        None => return Err(ParseError::new(0, ErrorKind::MissingLinkingSection)),
    };
    finish(bytes.clone(), parts, linking, interners)
}

/// Attaches what only the symbol table tells, and partitions the relocations.
fn finish(
    bytes: Bytes,
    mut parts: Parts,
    linking: Linking,
    interners: &Interners,
) -> Result<Object, ParseError> {
    if parts.functions.len() != parts.function_types.len() {
        let at = parts.code.map_or(0, |(_, range)| range.start as usize);
        return Err(ParseError::malformed(at, "function and code section have inconsistent lengths"));
    }
    if let Some(wrong) = parts.wrong_elements {
        return Err(wrong);
    }
    let (symbols, comdats, init_functions) = linking::attach(&bytes, &mut parts, linking, interners)?;
    let imported = parts.imports.functions.len();
    for (index, name) in &parts.debug_names {
        if let Some(function) =
            (*index as usize).checked_sub(imported).and_then(|i| parts.functions.get_mut(i))
        {
            function.name = *name;
            function.has_debug_name = name.len > 0;
        }
    }
    for (index, name) in &parts.export_names {
        if let Some(function) =
            (*index as usize).checked_sub(imported).and_then(|i| parts.functions.get_mut(i))
        {
            function.export_name = Some(*name);
        }
    }
    let mut object = Object {
        bytes,
        types: parts.types,
        imports: parts.imports,
        functions: parts.functions,
        tables: parts.tables,
        globals: parts.globals,
        tags: parts.tags,
        segments: parts.segments,
        custom_sections: parts.custom_sections,
        symbols,
        comdats,
        init_functions,
        features: parts.features,
        producers: parts.producers,
        memory_is_64: parts.memory_is_64,
        called_directly: Vec::new(),
        function_references: Vec::new(),
        data_knows_code: false,
        legacy_function_table: parts.legacy_function_table,
        properties: Properties::default(),
        strings: OnceLock::new(),
        prepared: OnceLock::new(),
    };
    relocations::partition(&mut object, &parts.relocation_sections, parts.code, parts.data)?;
    object.derive(interners);
    Ok(object)
}

impl Parts {
    /// Checks that each section occurs once and in the convention's order. `reloc.*` sections may be anywhere after `linking`,
    /// and custom sections unknown to the convention anywhere.
    pub(super) fn check_order(
        &mut self,
        id: u8,
        mut reader: Reader<'_>,
        data: &[u8],
    ) -> Result<(), ParseError> {
        const LINKING: u8 = 14;
        let at = reader.position();
        let place = match id {
            section::CUSTOM => match range_of(&mut reader)?.of(data) {
                b"linking" => LINKING,
                b"name" => LINKING + 1,
                b"producers" => LINKING + 2,
                b"target_features" => LINKING + 3,
                name if name.starts_with(b"reloc.") => {
                    self.last_place = self.last_place.max(LINKING);
                    return Ok(());
                }
                _ => return Ok(()),
            },
            section::TYPE..=section::MEMORY => id,
            section::TAG => 6,
            section::GLOBAL..=section::ELEM => id + 1,
            section::DATACOUNT => 11,
            section::CODE => 12,
            section::DATA => 13,
            _ => return Ok(()),
        };
        if place <= self.last_place {
            return Err(ParseError::text(at, format!("out of order section type: {id}")));
        }
        self.last_place = place;
        Ok(())
    }

    pub(super) fn section(
        &mut self,
        id: u8,
        mut reader: Reader<'_>,
        data: &[u8],
        interners: &Interners,
    ) -> Result<(), ParseError> {
        match id {
            section::CUSTOM => return self.custom(reader, data),
            section::TYPE => self.type_section(&mut reader, data, interners)?,
            section::IMPORT => self.import_section(&mut reader)?,
            section::FUNCTION => self.function_section(&mut reader)?,
            section::TABLE => self.table_section(&mut reader)?,
            section::MEMORY => self.memory_section(&mut reader)?,
            section::TAG => self.tag_section(&mut reader)?,
            section::GLOBAL => self.global_section(&mut reader)?,
            section::EXPORT => self.export_section(&mut reader)?,
            section::ELEM => {
                let tables = self.imports.tables.len() + self.tables.len();
                self.wrong_elements = elements::read(&mut reader, tables)?;
            }
            section::CODE => self.code_section(&mut reader)?,
            section::DATA => self.data_section(&mut reader)?,
            section::START => _ = reader.u32()?,
            section::DATACOUNT => self.data_count = Some(reader.u32()?),
            _ => return Err(ParseError::text(reader.position(), format!("invalid section type: {id}"))),
        }
        if reader.is_empty() || matches!(id, section::START | section::DATACOUNT) {
            Ok(())
        } else {
            let name = section::name(id).to_lowercase();
            Err(ParseError::text(reader.position(), format!("{name} section ended prematurely")))
        }
    }

    fn type_section(
        &mut self,
        reader: &mut Reader<'_>,
        data: &[u8],
        interners: &Interners,
    ) -> Result<(), ParseError> {
        let count = count(reader)?;
        self.types.reserve(count.min(reader.remaining() / 3));
        for _ in 0..count {
            let start = reader.position();
            if reader.byte()? != types::FUNC {
                return Err(ParseError::malformed(start, "bad form"));
            }
            let start = reader.position();
            let mut canonical = true;
            for _ in 0..2 {
                let before = reader.position();
                let len = reader.u32()? as usize;
                canonical &= reader.position() - before == 1 || len >= 128;
                for _ in 0..len {
                    value_type(reader)?;
                }
            }
            if !canonical {
                return Err(ParseError::malformed(start, "padded count in a signature"));
            }
            let id = interners.signatures.intern(&data[start..reader.position()]);
            self.types.push(SignatureId(id));
        }
        Ok(())
    }

    fn function_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        let count = count(reader)?;
        self.function_types.reserve(count);
        for _ in 0..count {
            let index = self.type_index(reader, "invalid function type")?;
            self.function_types.push(index);
        }
        Ok(())
    }

    fn table_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        for _ in 0..count(reader)? {
            let of = table_type(reader)?;
            self.tables.push(InputTable { of });
        }
        Ok(())
    }

    fn memory_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        for _ in 0..count(reader)? {
            let limits = read_limits(reader)?;
            self.memory_is_64 = Some(limits.flags & limits::IS_64 != 0);
        }
        Ok(())
    }

    fn tag_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        for _ in 0..count(reader)? {
            let at = reader.position();
            if reader.byte()? != 0 {
                return Err(ParseError::malformed(at, "invalid attribute"));
            }
            let index = self.type_index(reader, "invalid tag type")?;
            self.tags.push(index);
        }
        Ok(())
    }

    fn global_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        for _ in 0..count(reader)? {
            let of = global_type(reader)?;
            let start = reader.position();
            if constant_expression(reader)? != Some(of.value) && !self.is_shared {
                return Err(ParseError::malformed(start, "initial value of a global is not of its type"));
            }
            let init = ByteRange::between(start, reader.position());
            self.globals.push(InputGlobal { of, init });
        }
        Ok(())
    }

    fn export_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        for _ in 0..count(reader)? {
            let name = range_of(reader)?;
            let kind = reader.byte()?;
            let at = reader.position();
            let index = reader.u32()?;
            match kind {
                external::FUNCTION => {
                    let functions = self.imports.functions.len() + self.function_types.len();
                    if index as usize >= functions {
                        return Err(ParseError::malformed(at, "invalid function export"));
                    }
                    self.export_names.push((index, name));
                }
                external::TABLE | external::MEMORY | external::GLOBAL | external::TAG => {}
                _ => return Err(ParseError::malformed(at, "unexpected export kind")),
            }
        }
        Ok(())
    }

    fn code_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        self.code = Some((self.section_count, ByteRange::between(reader.position(), reader.end())));
        let at = reader.position();
        let section_start = at as u32;
        let count = reader.u32()? as usize;
        if count != self.function_types.len() {
            return Err(ParseError::malformed(at, "invalid function count"));
        }
        self.functions.reserve(count.min(reader.remaining() / 2));
        for index in 0..count {
            let start = reader.position();
            let size = reader.u32()? as usize;
            let prefix = (reader.position() - start) as u8;
            let end = reader.position() + size;
            let locals = locals_before(reader.clone(), end);
            if size > reader.remaining() || locals.is_none() {
                return Err(ParseError::malformed(start, "Function extends beyond buffer"));
            }
            reader.skip(size)?;
            self.functions.push(InputFunction {
                range: ByteRange::between(start, reader.position()),
                prefix,
                asks: false,
                has_many_locals: locals.is_some_and(|count| count > MAX_LOCALS),
                type_index: self.function_types[index],
                offset_base: start as u32 - section_start,
                relocations: ByteRange::default(),
                comdat: NONE,
                symbol: NONE,
                name: ByteRange::default(),
                has_debug_name: false,
                export_name: None,
            });
        }
        Ok(())
    }

    fn data_section(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        let section_start = reader.position();
        self.data = Some((self.section_count, ByteRange::between(section_start, reader.end())));
        let count = count(reader)?;
        if self.data_count.is_some_and(|expected| expected as usize != count) {
            let message = "number of data segments does not match DataCount section";
            return Err(ParseError::malformed(section_start, message));
        }
        self.segments.reserve(count.min(reader.remaining() / 2));
        for _ in 0..count {
            let at = reader.position();
            let flags = reader.u32()?;
            if flags > 2 {
                return Err(ParseError::malformed(at, "invalid data segment flags"));
            }
            if flags == 2 {
                reader.u32()?;
            }
            if flags != 1 {
                constant_expression(reader)?;
            }
            let at = reader.position();
            let mut ahead = reader.clone();
            if ahead.u32()? as usize > ahead.remaining() {
                return Err(ParseError::malformed(at, "invalid segment size"));
            }
            let data = range_of(reader)?;
            self.segments.push(InputSegment {
                name: ByteRange::default(),
                data,
                alignment: 0,
                flags: 0,
                relocations: ByteRange::default(),
                offset_base: data.start - section_start as u32,
                comdat: NONE,
                family: SegmentFamily::Other,
                asks: false,
            });
        }
        Ok(())
    }

    fn custom(&mut self, mut reader: Reader<'_>, data: &[u8]) -> Result<(), ParseError> {
        let name = range_of(&mut reader)?;
        let contents = ByteRange::between(reader.position(), reader.end());
        match name.of(data) {
            b"linking" => {
                self.linking = Some(linking::read(&mut reader)?);
            }
            b"target_features" => self.features = Some(read_features(&mut reader, data)?),
            b"producers" => self.producers = read_producers(&mut reader, data)?,
            b"name" => {
                let counts = Counts {
                    functions: self.imports.functions.len() + self.function_types.len(),
                    globals: self.imports.globals.len() + self.globals.len(),
                    segments: self.segments.len(),
                };
                self.debug_names = read_names(&mut reader, counts)?;
            }
            text if text.starts_with(b"reloc.") => {
                self.relocation_sections.push(relocations::read_header(&mut reader, self.section_count)?);
            }
            _ => {}
        }
        self.custom_sections.push(InputSection {
            name,
            data: contents,
            section_index: self.section_count,
            relocations: ByteRange::default(),
            comdat: NONE,
        });
        Ok(())
    }
}
