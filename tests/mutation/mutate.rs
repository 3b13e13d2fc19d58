//! Damages objects and archives: blindly, and with an eye on what a linker reads.

use crate::tables;
use std::ops::Range;
use wald_tests::random::Random;

/// A section of an object inside the bytes.
#[derive(Clone, Debug)]
struct Section {
    id: u8,
    /// A custom section's name.
    name: Vec<u8>,
    /// Where its size is written.
    size: Range<usize>,
    /// Id to end.
    whole: Range<usize>,
    /// What follows the size (and a custom section's name).
    contents: Range<usize>,
}

/// Damages one input.
pub struct Mutator<'o> {
    bytes: Vec<u8>,
    /// Another input, to take parts from.
    other: &'o [u8],
    random: Random,
    steps: Vec<String>,
}

impl<'o> Mutator<'o> {
    /// A mutator of `bytes`.
    pub fn new(bytes: Vec<u8>, other: &'o [u8], random: Random) -> Self {
        Mutator { bytes, other, random, steps: Vec::new() }
    }

    /// The damaged bytes and what was done.
    pub fn finish(self) -> (Vec<u8>, Vec<String>) {
        (self.bytes, self.steps)
    }

    /// Does one to three things.
    pub fn run(&mut self) {
        let count = 1 + self.random.below(6) / 3 + self.random.below(8) / 7;
        for _ in 0..count {
            match self.random.below(40) {
                0 => self.truncate(),
                1 => self.flip_bits(),
                2 => self.replace_bytes(),
                3 => self.splice(),
                4 => self.section_size(),
                5 => self.move_section(),
                6 | 7 if self.bytes.starts_with(b"!<") => self.archive_header(),
                6 => self.stretch(&[]),
                7 | 8 => self.number(&[]),
                9 => self.stretch(&[b"linking", b"reloc."]),
                10..=14 => self.number(&[b"linking"]),
                15..=18 => self.number(&[b"reloc."]),
                19 => self.number(&[b"target_features", b"producers", b"name"]),
                20..=22 => self.core_section(),
                24..=33 => self.table(&[b"linking"], tables::linking),
                34..=38 => self.table(&[b"reloc."], tables::relocations),
                _ => self.insert_or_delete(),
            }
        }
    }

    fn note(&mut self, what: &str, at: usize) {
        self.steps.push(format!("{what} at {at:#x}"));
    }

    fn place(&mut self) -> usize {
        let len = self.bytes.len();
        self.random.below(len)
    }

    fn truncate(&mut self) {
        let at = self.place();
        self.note("cut", at);
        self.bytes.truncate(at);
    }

    fn flip_bits(&mut self) {
        for _ in 0..1 + self.random.below(3) {
            let (at, bit) = (self.place(), self.random.below(8));
            if let Some(byte) = self.bytes.get_mut(at) {
                *byte ^= 1 << bit;
                self.note("flipped a bit", at);
            }
        }
    }

    fn value(&mut self, old: u8) -> u8 {
        match self.random.below(8) {
            0 => 0,
            1 => 0x7f,
            2 => 0x80,
            3 => 0xff,
            4 => old.wrapping_add(1),
            5 => old.wrapping_sub(1),
            6 => old ^ 1 << self.random.below(7),
            _ => self.random.below(16) as u8,
        }
    }

    fn set(&mut self, at: usize) {
        if let Some(&old) = self.bytes.get(at) {
            let new = self.value(old);
            self.bytes[at] = new;
            self.note(&format!("set {old:#x} to {new:#x}"), at);
        }
    }

    fn replace_bytes(&mut self) {
        for _ in 0..1 + self.random.below(3) {
            let at = self.place();
            self.set(at);
        }
    }

    fn splice(&mut self) {
        let from = self.random.below(self.other.len());
        let len = 1 + self.random.below(40).min(self.other.len().saturating_sub(from + 1));
        let at = self.place();
        let part = self.other.get(from..from + len).unwrap_or(&[]).to_vec();
        self.note(&format!("spliced {} bytes in", part.len()), at);
        let end = match self.random.below(2) {
            0 => at,
            _ => (at + len).min(self.bytes.len()),
        };
        self.bytes.splice(at..end, part);
    }

    fn insert_or_delete(&mut self) {
        let at = self.place();
        if self.random.below(2) == 0 {
            let byte = self.random.pick(&[0, 1, 0x7f, 0x80, 0xff]);
            self.bytes.insert(at, byte);
            self.note("inserted a byte", at);
        } else if at < self.bytes.len() {
            self.bytes.remove(at);
            self.note("removed a byte", at);
        }
    }

    /// Digits and names of an archive member's header.
    fn archive_header(&mut self) {
        let headers: Vec<usize> =
            (0..self.bytes.len()).filter(|&at| at >= 66 && self.bytes[at - 2..at] == *b"`\n").collect();
        if headers.is_empty() {
            return self.replace_bytes();
        }
        let end = headers[self.random.below(headers.len())];
        let at = match self.random.below(3) {
            0 => end - 60 + self.random.below(16),
            1 => end - 12 + self.random.below(10),
            _ => end - 60 + self.random.below(60),
        };
        let new = self.random.pick(b"0123456789/# -+\0\xff");
        if let Some(byte) = self.bytes.get_mut(at) {
            *byte = new;
            self.note("set a byte of a header", at);
        }
    }

    /// The ranges of objects: one, or an archive's members.
    fn sections(&mut self) -> Vec<Section> {
        let starts: Vec<usize> = match self.bytes.starts_with(b"\0asm") {
            true => vec![0],
            false => {
                let windows = self.bytes.windows(8).enumerate();
                windows.filter(|(_, window)| window == b"\0asm\x01\0\0\0").map(|(at, _)| at).collect()
            }
        };
        let mut sections = Vec::new();
        if let Some(&start) = starts.get(self.random.below(starts.len())) {
            let mut at = start + 8;
            while let Some((section, next)) = self.section(at) {
                sections.push(section);
                at = next;
            }
        }
        sections
    }

    fn section(&self, at: usize) -> Option<(Section, usize)> {
        let id = *self.bytes.get(at).filter(|&&id| id < 14)?;
        let (size, start) = read_number(&self.bytes, at + 1)?;
        let end = start.checked_add(size as usize).filter(|&end| end <= self.bytes.len())?;
        let (mut name, mut contents) = (Vec::new(), start);
        if id == 0 {
            let (len, text) = read_number(&self.bytes[..end], start)?;
            name = self.bytes.get(text..text + len as usize)?.to_vec();
            contents = (text + len as usize).min(end);
        }
        Some((Section { id, name, size: at + 1..start, whole: at..end, contents: contents..end }, end))
    }

    /// A section whose name starts with one of these; any section if there are no names.
    fn choose(&mut self, names: &[&[u8]]) -> Option<Section> {
        let mut sections = self.sections();
        sections.retain(|s| {
            !s.contents.is_empty() && (names.is_empty() || names.iter().any(|n| s.name.starts_with(n)))
        });
        let position = self.random.below(sections.len());
        (!sections.is_empty()).then(|| sections.swap_remove(position))
    }

    fn section_size(&mut self) {
        let Some(section) = self.choose(&[]) else { return };
        let at = section.size.start + self.random.below(section.size.len());
        self.set(at);
    }

    /// Doubles a section, drops it, or moves it to another place.
    fn move_section(&mut self) {
        let Some(section) = self.choose(&[]) else { return };
        let whole = self.bytes[section.whole.clone()].to_vec();
        let what = self.random.below(3);
        if what > 0 {
            self.bytes.drain(section.whole.clone());
        }
        let target = self.choose(&[]).map_or(self.bytes.len().min(8), |section| section.whole.start);
        if what < 2 {
            self.bytes.splice(target..target, whole);
        }
        self.note(["doubled a section", "moved a section", "dropped a section"][what], section.whole.start);
    }

    /// Changes an entry of a table.
    fn table(&mut self, names: &[&[u8]], change: fn(&[u8], &mut Random) -> Option<Vec<u8>>) {
        let Some(section) = self.choose(names) else { return self.replace_bytes() };
        let Some(new) = change(&self.bytes[section.contents.clone()], &mut self.random) else { return };
        let old = &self.bytes[section.contents.clone()];
        let differs = (0..new.len().min(old.len())).find(|&at| new[at] != old[at]).unwrap_or(0);
        self.note("changed an entry", section.contents.start + differs);
        let size = section.whole.end - section.size.end + new.len() - section.contents.len();
        self.bytes.splice(section.contents.clone(), new);
        self.write_size(&section, size);
    }

    fn write_size(&mut self, section: &Section, size: usize) {
        let mut written = Vec::new();
        for index in 0..5 {
            written.push((size >> (7 * index)) as u8 & 0x7f | if index < 4 { 0x80 } else { 0 });
        }
        self.bytes.splice(section.size.clone(), written);
    }

    /// Changes a byte or two in a section that is read with care.
    fn number(&mut self, names: &[&[u8]]) {
        let Some(section) = self.choose(names) else { return self.replace_bytes() };
        for _ in 0..1 + self.random.below(2) {
            let at = section.contents.start + self.random.below(section.contents.len());
            self.set(at);
        }
    }

    /// The same in a section of the core format other than code: types, imports, tables, limits, globals, data.
    fn core_section(&mut self) {
        let sections: Vec<Section> = self
            .sections()
            .into_iter()
            .filter(|s| !matches!(s.id, 0 | 10) && !s.contents.is_empty())
            .collect();
        if sections.is_empty() {
            return self.replace_bytes();
        }
        let section = sections[self.random.below(sections.len())].clone();
        // The start of a data section is the important part.
        let len = if section.id == 11 { section.contents.len().min(12) } else { section.contents.len() };
        for _ in 0..1 + self.random.below(2) {
            let at = section.contents.start + self.random.below(len);
            self.set(at);
        }
    }

    /// Writes a number longer, or a far larger one, and corrects the section's size.
    fn stretch(&mut self, names: &[&[u8]]) {
        let Some(section) = self.choose(names) else { return self.replace_bytes() };
        let at = section.contents.start + self.random.below(section.contents.len());
        let Some(&old) = self.bytes.get(at) else { return };
        let mut new = match self.random.below(4) {
            0 => vec![old | 0x80, 0],
            1 => vec![old | 0x80, 0x80, 0x80, 0x80, 0],
            2 => vec![0xff, 0xff, 0xff, 0xff, 0x0f],
            _ => vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        };
        if self.random.below(8) == 0 {
            new = vec![0xff; 12];
        }
        let grown = new.len() - 1;
        self.bytes.splice(at..at + 1, new);
        self.note(&format!("stretched {old:#x} by {grown}"), at);
        let size = section.whole.end - section.size.end + grown;
        self.write_size(&section, size);
    }
}

/// An unsigned LEB128 number and the offset of its end.
fn read_number(bytes: &[u8], mut at: usize) -> Option<(u32, usize)> {
    let mut value = 0u64;
    for shift in 0..5 {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << (7 * shift);
        if byte < 0x80 {
            return u32::try_from(value).ok().map(|value| (value, at));
        }
    }
    None
}
