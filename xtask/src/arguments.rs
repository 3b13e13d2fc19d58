//! The little command line parsing that the commands share: `--name`, `--name=value`, `--name value`, and words.

/// Arguments that are still to be looked at. Each accessor takes out what it finds; [`Arguments::words`] gives the
/// rest and complains about options that nobody asked for.
pub struct Arguments {
    rest: Vec<String>,
}

impl Arguments {
    /// All arguments of a command.
    pub fn new(args: &[String]) -> Self {
        Arguments { rest: args.to_vec() }
    }

    /// Removes `--name`, and returns whether it was given.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.rest.len();
        self.rest.retain(|arg| arg.strip_prefix("--") != Some(name));
        self.rest.len() != before
    }

    /// The values of every `--name=value` and `--name value`, in order.
    pub fn values(&mut self, name: &str) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        let mut rest = Vec::new();
        let mut args = std::mem::take(&mut self.rest).into_iter();
        while let Some(arg) = args.next() {
            match arg.strip_prefix("--").and_then(|arg| arg.strip_prefix(name)) {
                Some("") => values.push(args.next().ok_or(format!("--{name} needs a value"))?),
                Some(value) if value.starts_with('=') => values.push(value[1..].to_string()),
                _ => rest.push(arg),
            }
        }
        self.rest = rest;
        Ok(values)
    }

    /// The last value of `--name` as a number.
    pub fn number(&mut self, name: &str) -> Result<Option<usize>, String> {
        let values = self.values(name)?;
        let Some(value) = values.last() else { return Ok(None) };
        value.parse().map(Some).map_err(|_| format!("--{name}: '{value}' is not a number"))
    }

    /// The words. An option that is still here is unknown.
    pub fn words(self) -> Result<Vec<String>, String> {
        match self.rest.iter().find(|arg| arg.starts_with('-')) {
            Some(option) => Err(format!("unknown option {option} (--help lists them)")),
            None => Ok(self.rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Arguments {
        Arguments::new(&text.split(' ').map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_taken_out_and_words_remain() {
        let mut args = arguments("lua --runs=3 --keep --variant a --variant=b zstd");
        assert_eq!(args.number("runs"), Ok(Some(3)));
        assert_eq!(args.number("runs"), Ok(None));
        assert!(args.flag("keep") && !args.flag("keep"));
        assert_eq!(args.values("variant").unwrap(), ["a", "b"]);
        assert_eq!(args.words().unwrap(), ["lua", "zstd"]);
    }

    #[test]
    fn what_nobody_asked_for_is_an_error() {
        assert!(arguments("a --what").words().unwrap_err().contains("--what"));
        assert!(arguments("--runs").number("runs").is_err());
        assert!(arguments("--runs=x").number("runs").is_err());
    }
}
