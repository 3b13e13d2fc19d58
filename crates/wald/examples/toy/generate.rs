//! A function's syntax tree to WebAssembly. Knows nothing of other functions: what it refers to is named, so that any number
//! of functions can be generated at once.

use std::collections::HashMap;

use crate::parse::{Expression, Function, Statement};

/// A function's code.
pub struct Code {
    pub parameters: usize,
    /// Locals, instructions, `end`.
    pub body: Vec<u8>,
    /// Places in the body, and what belongs there.
    pub references: Vec<(u32, Reference)>,
}

/// What code refers to.
pub enum Reference {
    /// A function, and with how many arguments it is called.
    Function(String, usize),
    /// The address of a text.
    Text(String),
    /// The address of the buffer.
    Buffer,
}

struct Generator {
    code: Vec<u8>,
    references: Vec<(u32, Reference)>,
    variables: HashMap<String, u32>,
}

/// Generates a function. The error is a sentence.
pub fn generate(function: &Function) -> Result<Code, String> {
    let numbered = (0..).zip(&function.parameters).map(|(number, name)| (name.clone(), number));
    let variables: HashMap<String, u32> = numbered.collect();
    let mut generator = Generator { code: Vec::new(), references: Vec::new(), variables };
    generator.block(&function.body)?;
    // Without a `return` the value is 0.
    generator.code.extend([0x41, 0, 0x0b]);

    let parameters = function.parameters.len();
    let mut body = Vec::new();
    match generator.variables.len() - parameters {
        0 => body.push(0),
        locals => {
            body.push(1);
            unsigned(&mut body, locals as u32);
            body.push(0x7f);
        }
    }
    let shift = body.len() as u32;
    body.extend(generator.code);
    let moved = generator.references.into_iter().map(|(at, to)| (at + shift, to));
    Ok(Code { parameters, body, references: moved.collect() })
}

impl Generator {
    fn block(&mut self, statements: &[Statement]) -> Result<(), String> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), String> {
        match statement {
            Statement::Let(name, value) => {
                self.expression(value)?;
                let next = self.variables.len() as u32;
                let number = *self.variables.entry(name.clone()).or_insert(next);
                self.code.push(0x21);
                unsigned(&mut self.code, number);
            }
            Statement::Set(name, value) => {
                self.expression(value)?;
                let number = self.variable(name)?;
                self.code.push(0x21);
                unsigned(&mut self.code, number);
            }
            Statement::If(condition, then, otherwise) => {
                self.expression(condition)?;
                self.code.extend([0x04, 0x40]);
                self.block(then)?;
                if !otherwise.is_empty() {
                    self.code.push(0x05);
                    self.block(otherwise)?;
                }
                self.code.push(0x0b);
            }
            Statement::While(condition, body) => {
                // block, loop, and out of the block when the condition does not hold.
                self.code.extend([0x02, 0x40, 0x03, 0x40]);
                self.expression(condition)?;
                self.code.extend([0x45, 0x0d, 1]);
                self.block(body)?;
                self.code.extend([0x0c, 0, 0x0b, 0x0b]);
            }
            Statement::Return(value) => {
                self.expression(value)?;
                self.code.push(0x0f);
            }
            Statement::PrintNumber(value) => {
                self.expression(value)?;
                self.call("print_number", 1);
                self.code.push(0x1a);
            }
            Statement::PrintText(text) => {
                let text = format!("{text}\n");
                let size = text.len() as i32;
                self.address(Reference::Text(text));
                self.number(size);
                self.call("write", 2);
                self.code.push(0x1a);
            }
            Statement::Call(call) => {
                self.expression(call)?;
                self.code.push(0x1a);
            }
        }
        Ok(())
    }

    fn expression(&mut self, expression: &Expression) -> Result<(), String> {
        match expression {
            Expression::Number(number) => self.number(*number),
            Expression::Variable(name) => {
                let number = self.variable(name)?;
                self.code.push(0x20);
                unsigned(&mut self.code, number);
            }
            Expression::Call(name, arguments) => {
                arguments.iter().try_for_each(|argument| self.expression(argument))?;
                match (&**name, arguments.len()) {
                    ("buffer", 0) => self.address(Reference::Buffer),
                    ("load8", 1) => self.code.extend([0x2d, 0, 0]),
                    // As every call it has a value.
                    ("store8", 2) => self.code.extend([0x3a, 0, 0, 0x41, 0]),
                    (_, count) => self.call(name, count),
                }
            }
            Expression::Binary(sign, left, right) => {
                self.expression(left)?;
                self.expression(right)?;
                self.code.push(match *sign {
                    "==" => 0x46,
                    "!=" => 0x47,
                    "<" => 0x48,
                    ">" => 0x4a,
                    "<=" => 0x4c,
                    ">=" => 0x4e,
                    "+" => 0x6a,
                    "-" => 0x6b,
                    "*" => 0x6c,
                    "/" => 0x6d,
                    "%" => 0x6f,
                    "&" => 0x71,
                    _ => 0x72,
                });
            }
        }
        Ok(())
    }

    fn variable(&self, name: &str) -> Result<u32, String> {
        self.variables.get(name).copied().ok_or_else(|| format!("there is no variable {name}"))
    }

    fn number(&mut self, number: i32) {
        self.code.push(0x41);
        signed(&mut self.code, number);
    }

    fn call(&mut self, name: &str, arguments: usize) {
        self.code.push(0x10);
        self.reference(Reference::Function(name.to_string(), arguments));
    }

    fn address(&mut self, of: Reference) {
        self.code.push(0x41);
        self.reference(of);
    }

    /// Five bytes, which the linker fills in.
    fn reference(&mut self, to: Reference) {
        self.references.push((self.code.len() as u32, to));
        self.code.extend([0x80, 0x80, 0x80, 0x80, 0]);
    }
}

fn unsigned(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, mut value: i32) {
    loop {
        let byte = value as u8 & 0x7f;
        value >>= 7;
        if value == 0 && byte & 0x40 == 0 || value == -1 && byte & 0x40 != 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}
