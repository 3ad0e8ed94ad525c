'use strict';

/** An error that is its message alone: the stack trace does not help people who deploy. */
module.exports = (message) => {
  const error = new Error(message);
  error.stack = error.message;
  return error;
};
