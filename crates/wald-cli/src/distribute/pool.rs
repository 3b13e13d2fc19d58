//! Starts jobs itself, some of them at the same time.

use super::jobs::{Failure, Job, Plan};
use crate::child_group::{end_all, ChildGroup, Pauses};
use crate::signals::Forwarding;
use crate::text::{error_text, to_bytes, to_path};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A job that is being run.
struct Running<'a> {
    job: &'a Job,
    is_wrapped: bool,
    group: ChildGroup,
    /// What it writes.
    log: PathBuf,
}

/// Runs all jobs. What they write goes to `stderr` when they have ended.
pub fn run(jobs: &[Job], plan: &Plan<'_>, stderr: &mut dyn Write) -> Result<(), Failure> {
    let forwarding = Forwarding::begin();
    let mut running = Vec::new();
    let result = run_until(jobs, plan, &forwarding, &mut running, stderr);
    end_all(running.into_iter().map(|job| job.group));
    result
}

/// Runs jobs until all have succeeded, one has failed, or a signal came. `running` is what is then left.
fn run_until<'a>(
    jobs: &'a [Job],
    plan: &Plan<'_>,
    forwarding: &Forwarding,
    running: &mut Vec<Running<'a>>,
    stderr: &mut dyn Write,
) -> Result<(), Failure> {
    let mut waiting = jobs.iter().enumerate();
    let mut pauses = Pauses::new();
    loop {
        while running.len() < plan.parallel {
            let Some((number, job)) = waiting.next() else { break };
            job.remove_outputs();
            running.push(begin(job, number, plan, stderr)?);
            pauses = Pauses::new();
        }
        if running.is_empty() {
            return Ok(());
        }
        if let Some(signal) = forwarding.received() {
            return Err(Failure::Signal(signal));
        }
        let mut position = 0;
        while position < running.len() {
            match look_at(&mut running[position], plan, stderr)? {
                true => _ = running.swap_remove(position),
                false => position += 1,
            }
        }
        pauses.pause();
    }
}

/// Starts a job, with the wrapper if there is one.
fn begin<'a>(
    job: &'a Job,
    number: usize,
    plan: &Plan<'_>,
    stderr: &mut dyn Write,
) -> Result<Running<'a>, String> {
    let log = plan.folder.join(number.to_string());
    if !plan.wrapper.is_empty() {
        match start(&job.wrapped(plan.wrapper), &log) {
            Ok(group) => return Ok(Running { job, is_wrapped: true, group, log }),
            Err(error) => say(stderr, &job.fallback_note(plan, &format!(" ({})", error_text(&error)))),
        }
    }
    let group = start(&job.command, &log).map_err(|error| cannot_start(job, &error))?;
    Ok(Running { job, is_wrapped: false, group, log })
}

fn start(words: &[String], log: &PathBuf) -> io::Result<ChildGroup> {
    let file = File::create(log)?;
    let mut command = Command::new(&*to_path(&words[0]));
    command.args(words[1..].iter().map(|word| to_path(word).into_owned()));
    ChildGroup::start(command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file))
}

/// Whether a job has succeeded. If it failed with the wrapper, it is started without.
fn look_at(running: &mut Running<'_>, plan: &Plan<'_>, stderr: &mut dyn Write) -> Result<bool, String> {
    let job = running.job;
    let Some(status) = running.group.try_wait().map_err(|error| cannot_start(job, &error))? else {
        return Ok(false);
    };
    let reason = match (status.success(), job.missing_output()) {
        (true, None) => None,
        (true, Some(path)) => Some(format!("did not write {path}")),
        (false, _) => Some(status.to_string()),
    };
    let text = std::fs::read(&running.log).unwrap_or_default();
    match reason {
        Some(reason) if running.is_wrapped => {
            say(stderr, &job.fallback_note(plan, &format!(" ({reason})")));
            let _ = stderr.write_all(&text);
            job.remove_outputs();
            running.group = start(&job.command, &running.log).map_err(|error| cannot_start(job, &error))?;
            running.is_wrapped = false;
            Ok(false)
        }
        reason => {
            let _ = stderr.write_all(&text);
            reason.map_or(Ok(true), |reason| Err(format!("{}: the job failed ({reason})", job.name())))
        }
    }
}

fn cannot_start(job: &Job, error: &io::Error) -> String {
    format!("{}: cannot start {}: {}", job.name(), job.command[0], error_text(error))
}

fn say(stderr: &mut dyn Write, note: &str) {
    let _ = stderr.write_all(&to_bytes(&format!("{note}\n")));
}
