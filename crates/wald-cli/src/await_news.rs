//! What the loop of `--await-inputs` hears of, and the workers that read files for it.

use crate::inputs::{self, Inputs, Reading, Taken};
use crate::ready_descriptor::Announcement;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::Mutex;
use wald::Linker;

/// What the loop hears of.
pub enum News {
    /// A line of the descriptor.
    Announced(Announcement),
    /// Something happened in the folders of inputs. The thread that tells waits until it is looked at.
    Folders,
    /// A worker has read a file.
    Read(usize, Taken),
}

/// A worker: reads complete files until the queue is closed.
pub fn read_each(
    linker: &Linker,
    inputs: &Inputs,
    reading: &Reading,
    waiting: &Mutex<Receiver<usize>>,
    news: &Sender<News>,
) {
    let next = || waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
    while let Ok(file) = next() {
        let taken = inputs::read_file(linker, inputs, file, reading);
        let _ = news.send(News::Read(file, taken));
    }
}
