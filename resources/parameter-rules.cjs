/** Rules of parameters: each takes a value and gives it back converted, or throws what the value must be. */
'use strict';

const text = (pattern, rule) => (value) => {
  if (typeof value !== 'string' || !pattern.test(value)) throw rule;
  return value;
};

const integer = (minimum, maximum) => (value) => {
  const number = Number(value);
  if (!Number.isInteger(number) || number < minimum || number > maximum) {
    throw `a whole number from ${minimum} to ${maximum}`;
  }
  return number;
};

/** A list, separated by commas: `list` for CloudFormation, `text` for what takes text only. */
const listOf = (pattern, rule) => (value) => {
  if (typeof value !== 'string') throw rule;
  const list = value.split(',').map((each) => each.trim());
  if (value.trim() === '') return { text: '', list: [] };
  if (!list.every((each) => pattern.test(each)) || new Set(list).size < list.length) throw rule;
  return { text: list.join(','), list };
};

const short = (check, maximum, rule) => (value) => {
  const checkedList = check(value);
  if (checkedList.text.length > maximum) throw `${rule}, of at most ${maximum} characters`;
  return checkedList;
};

const trueOrFalse = (value) => {
  if (value !== true && value !== false && value !== 'true' && value !== 'false') throw 'true or false';
  return value === true || value === 'true';
};

const keyArn = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;

module.exports = { text, integer, listOf, short, trueOrFalse, keyArn };
