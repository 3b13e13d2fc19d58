//! Source text to functions, and a function's text to a syntax tree.

/// An expression.
pub enum Expression {
    Number(i32),
    Variable(String),
    Call(String, Vec<Expression>),
    /// Operator, left, right.
    Binary(&'static str, Box<Expression>, Box<Expression>),
}

/// A statement.
pub enum Statement {
    Let(String, Expression),
    Set(String, Expression),
    If(Expression, Vec<Statement>, Vec<Statement>),
    While(Expression, Vec<Statement>),
    Return(Expression),
    PrintNumber(Expression),
    PrintText(String),
    Call(Expression),
}

/// A function.
pub struct Function {
    pub parameters: Vec<String>,
    pub body: Vec<Statement>,
}

/// A function's text in the source.
#[derive(Clone, PartialEq)]
pub struct Source<'t> {
    pub name: &'t str,
    pub text: &'t str,
    pub line: usize,
}

/// Operators: how strong they bind, and how they are written. Longer ones are first.
const OPERATORS: &[(u8, &str)] = &[
    (2, "=="),
    (2, "!="),
    (2, "<="),
    (2, ">="),
    (1, "&"),
    (1, "|"),
    (2, "<"),
    (2, ">"),
    (3, "+"),
    (3, "-"),
    (4, "*"),
    (4, "/"),
    (4, "%"),
];

/// Cuts a source into its functions, without looking into them.
pub fn split(text: &str) -> Result<Vec<Source<'_>>, String> {
    let mut parser = Parser { text, at: 0, line: 1 };
    let mut functions = Vec::new();
    while !parser.rest().is_empty() {
        let (start, line) = (parser.at, parser.line);
        parser.expect("fn")?;
        let name = parser.name()?;
        while parser.peek() != Some('{') {
            parser.token()?;
        }
        let mut depth = 0;
        loop {
            match parser.token()? {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        functions.push(Source { name, text: &text[start..parser.at], line });
    }
    Ok(functions)
}

/// Parses one function.
pub fn parse(source: &Source<'_>) -> Result<Function, String> {
    let mut parser = Parser { text: source.text, at: 0, line: source.line };
    parser.expect("fn")?;
    parser.name()?;
    parser.expect("(")?;
    let mut parameters = Vec::new();
    while !parser.take(")") {
        parameters.push(parser.name()?.to_string());
        parser.take(",");
    }
    Ok(Function { parameters, body: parser.block()? })
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl<'t> Parser<'t> {
    /// What follows, without blanks and comments in front.
    fn rest(&mut self) -> &'t str {
        loop {
            let rest = &self.text[self.at..];
            match rest.chars().next() {
                Some('#') => self.at += rest.find('\n').unwrap_or(rest.len()),
                Some(blank) if blank.is_whitespace() => {
                    self.line += usize::from(blank == '\n');
                    self.at += blank.len_utf8();
                }
                _ => return rest,
            }
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error<T>(&self, what: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("line {}: {what}", self.line))
    }

    /// A name, a number, a string with its quotes, or a sign.
    fn token(&mut self) -> Result<&'t str, String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return self.error("the source ends too early") };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let len = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if first == '"' {
            match rest[1..].find(['"', '\n']) {
                Some(end) if rest[1 + end..].starts_with('"') => end + 2,
                _ => return self.error("a string without an end"),
            }
        } else {
            let operator = OPERATORS.iter().find(|(_, sign)| rest.starts_with(sign));
            operator.map_or(first.len_utf8(), |(_, sign)| sign.len())
        };
        self.at += len;
        Ok(&rest[..len])
    }

    /// Takes a token if it is the next one.
    fn take(&mut self, wanted: &str) -> bool {
        let (at, line) = (self.at, self.line);
        let found = self.token() == Ok(wanted);
        if !found {
            (self.at, self.line) = (at, line);
        }
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        match self.token()? {
            token if token == wanted => Ok(()),
            other => self.error(format!("expected {wanted}, found {other}")),
        }
    }

    fn name(&mut self) -> Result<&'t str, String> {
        match self.token()? {
            token if token.starts_with(|c: char| c.is_alphabetic() || c == '_') => Ok(token),
            other => self.error(format!("expected a name, found {other}")),
        }
    }

    fn block(&mut self) -> Result<Vec<Statement>, String> {
        self.expect("{")?;
        let mut statements = Vec::new();
        while !self.take("}") {
            statements.push(self.statement()?);
        }
        Ok(statements)
    }

    fn statement(&mut self) -> Result<Statement, String> {
        Ok(match self.name()? {
            "let" => {
                let name = self.name()?.to_string();
                self.expect("=")?;
                Statement::Let(name, self.expression(0)?)
            }
            "if" => {
                let condition = self.expression(0)?;
                let then = self.block()?;
                let otherwise = if self.take("else") { self.block()? } else { Vec::new() };
                Statement::If(condition, then, otherwise)
            }
            "while" => Statement::While(self.expression(0)?, self.block()?),
            "return" => Statement::Return(self.expression(0)?),
            "print" if self.peek() == Some('"') => {
                Statement::PrintText(self.token()?.trim_matches('"').into())
            }
            "print" => Statement::PrintNumber(self.expression(0)?),
            name if self.peek() == Some('(') => Statement::Call(self.call(name)?),
            name => {
                self.expect("=")?;
                Statement::Set(name.to_string(), self.expression(0)?)
            }
        })
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.expression(0)?);
            self.take(",");
        }
        Ok(Expression::Call(name.to_string(), arguments))
    }

    /// An expression whose operators bind stronger than `above`.
    fn expression(&mut self, above: u8) -> Result<Expression, String> {
        let mut left = match self.token()? {
            "(" => {
                let inside = self.expression(0)?;
                self.expect(")")?;
                inside
            }
            token if token.starts_with(|c: char| c.is_ascii_digit()) => match token.parse() {
                Ok(number) => Expression::Number(number),
                Err(_) => return self.error(format!("{token} is no number of 32 bits")),
            },
            token if token.starts_with(|c: char| c.is_alphabetic() || c == '_') => match self.peek() {
                Some('(') => self.call(token)?,
                _ => Expression::Variable(token.to_string()),
            },
            other => return self.error(format!("expected a value, found {other}")),
        };
        loop {
            let rest = self.rest();
            let operator = OPERATORS.iter().find(|(_, sign)| rest.starts_with(sign));
            let Some(&(strength, sign)) = operator.filter(|(strength, _)| *strength > above) else {
                return Ok(left);
            };
            self.at += sign.len();
            let right = self.expression(strength)?;
            left = Expression::Binary(sign, Box::new(left), Box::new(right));
        }
    }
}
