//! Computes a formula that is written out, as a reader with a calculator would.

use chainrule_explorer_core::analysis::{Piece, Written};

/// What the formula comes to; none where it has a function that is not on the calculator.
pub(crate) fn value(written: &Written) -> Option<f64> {
    let tokens = written.pieces.iter().flat_map(tokens).collect::<Vec<_>>();
    if tokens.iter().any(|token| matches!(token, Token::Name(name) if name.eq_ignore_ascii_case("phi"))) {
        return None;
    }
    let mut reader = Reader { tokens, at: 0 };
    let value = reader.sum();
    assert_eq!(reader.at, reader.tokens.len(), "all of it is read: {written:?}");
    Some(value)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Sign(char),
}

fn tokens(piece: &Piece) -> Vec<Token> {
    let text = match piece {
        Piece::Number(factor) => return vec![Token::Number(factor.value.0)],
        Piece::Text(text) => text,
    };
    let (mut tokens, mut rest) = (Vec::new(), text.as_str());
    while let Some(first) = rest.chars().next() {
        let end = |inside: fn(char) -> bool| rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let length = match first {
            '0'..='9' => end(|c| c.is_ascii_digit() || c == '.'),
            'a'..='z' | 'A'..='Z' => end(|c| c.is_ascii_alphabetic()),
            _ => 1,
        };
        match first {
            ' ' => {}
            '0'..='9' => tokens.push(Token::Number(rest[..length].parse().unwrap())),
            'a'..='z' | 'A'..='Z' => tokens.push(Token::Name(rest[..length].to_owned())),
            sign => tokens.push(Token::Sign(sign)),
        }
        rest = &rest[length..];
    }
    tokens
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn takes(&mut self, sign: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn sum(&mut self) -> f64 {
        let mut value = self.product();
        loop {
            if self.takes('+') {
                value += self.product();
            } else if self.takes('-') {
                value -= self.product();
            } else {
                return value;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut value = self.signed();
        loop {
            if self.takes('*') {
                value *= self.signed();
            } else if self.takes('/') {
                value /= self.signed();
            } else {
                return value;
            }
        }
    }

    fn signed(&mut self) -> f64 {
        if self.takes('-') {
            return -self.signed();
        }
        let base = self.single();
        if self.takes('^') { base.powf(self.signed()) } else { base }
    }

    fn single(&mut self) -> f64 {
        if self.takes('(') {
            let value = self.sum();
            assert!(self.takes(')'));
            return value;
        }
        if self.takes('|') {
            let value = self.sum();
            assert!(self.takes('|'));
            return value.abs();
        }
        let token = self.tokens[self.at].clone();
        self.at += 1;
        match token {
            Token::Number(number) => number,
            Token::Name(name) => match &*name {
                "pi" => std::f64::consts::PI,
                "exp" => self.single().exp(),
                "ln" => self.single().ln(),
                "tanh" => self.single().tanh(),
                "sqrt" => self.single().sqrt(),
                "sign" => Some(self.single()).filter(|x| *x != 0.0).map_or(0.0, f64::signum),
                "max" => {
                    assert!(self.takes('('));
                    let one = self.sum();
                    assert!(self.takes(','));
                    let other = self.sum();
                    assert!(self.takes(')'));
                    one.max(other)
                }
                other => panic!("{other}"),
            },
            Token::Sign(sign) => panic!("{sign} at {}", self.at),
        }
    }
}
