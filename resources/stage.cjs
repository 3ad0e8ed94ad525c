/**
 * Which stage is deployed, and its settings: the file stages/STAGE.yml, over which `--param` goes.
 * serverless.yml reads name, region and file from here, resources/parameters.cjs the rest.
 */
'use strict';

const { existsSync, readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const plain = require('./plain-error.cjs');

const example = 'example';
const exampleFile = `stages/${example}.yml`;

/** Settings that are about the stage itself, and no parameters. */
const ofStage = ['account', 'region'];

/** What npm makes of `--stage=prod` where the shell has taken `--` away, as PowerShell does, and of other options. */
function swallowed() {
  const name = ['stage', 'region', 'param'].find((each) => process.env[`npm_config_${each}`]);
  return name && `npm has taken "--${name}=${process.env[`npm_config_${name}`]}" for itself.`;
}

const inPowerShell =
  "In PowerShell write: npm run deploy '--' --stage prod, or: npx serverless deploy --stage prod";

const folder = join(__dirname, '..', 'stages');

/** @throws Error where the settings of a stage are in a file that nobody reads */
function refuseMisnamed(stage, names) {
  if (names.includes(`${stage}.yml`)) return;
  const misnamed = names.find((each) => each.toLowerCase().replace(/\.(ya?ml|json)$/, '') === stage);
  if (misnamed) throw plain(`Nobody reads stages/${misnamed}. Rename it to stages/${stage}.yml.`);
}

/** @throws Error where a variable of IAM's policies stands: the framework takes it for one of its own, and fails */
function refusePolicyVariables(where, text) {
  const [variable] =
    /\$\{(aws:(?!accountId|region)|s3:(prefix|delimiter|max-keys)|saml:|www\.|cognito)[^}]*\}/.exec(text) ??
    [];
  if (!variable) return;
  const escaped = variable.replace('$', '\\u0024');
  throw plain(
    `The policy variable ${variable} ${where} would be taken for a variable of the framework. Write boundaryDenials as ` +
      `JSON text between single quotes, and in it ${escaped}.`,
  );
}

/** @throws Error where nobody has named the stage: a deployment must not go to one that nobody meant. */
async function name({ resolveVariable }) {
  const given = await resolveVariable("opt:stage, ''");
  const taken = swallowed();
  refusePolicyVariables('on the command line', process.argv.join(' '));
  if (given === example) {
    throw plain(
      `The stage "${example}" is only an example. Copy ${exampleFile} to stages/STAGE.yml and deploy STAGE.`,
    );
  }
  if (given && !taken) {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    refuseMisnamed(given, names);
    const own = names.find((each) => each === `${given}.yml`);
    if (own) refusePolicyVariables(`in stages/${own}`, readFileSync(join(folder, own), 'utf8'));
    return given;
  }
  const reason = taken ?? 'No stage is named.';
  throw plain(`${reason} Name it after "--", for example: npm run deploy -- --stage dev. ${inPowerShell}`);
}

function editsBetween(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...one].entries()) {
    let diagonal = index;
    const next = [index + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      const above = row[column + 1];
      next.push(Math.min(above + 1, next[column] + 1, diagonal + (letter === otherLetter ? 0 : 1)));
      diagonal = above;
    }
    row = next;
  }
  return row[other.length];
}

/** @throws Error that names the first unknown name and the known one that is nearest to it */
function refuseUnknown(where, names, known) {
  const unknown = names.find((each) => !known.includes(each));
  if (unknown === undefined) return;
  const distance = (each) => editsBetween(unknown.toLowerCase(), each.toLowerCase());
  const nearest = known.reduce((best, each) => (distance(each) < distance(best) ? each : best));
  throw plain(
    `Unknown parameter "${unknown}" ${where}. Did you mean "${nearest}"? docs/operations.md lists all.`,
  );
}

/** The stage's file: its path, whether it is there, and what stands in it. */
async function fileOf(resolveVariable) {
  const path = `stages/${await resolveVariable('sls:stage')}.yml`;
  const content = (await resolveVariable(`file(${path}), ''`)) || {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw plain(`${path} must hold lines like "NAME: value", as ${exampleFile} does.`);
  }
  return { path, exists: existsSync(join(__dirname, '..', path)), content };
}

/** A list of texts may be written as one, or as text between commas. */
const asParameter = (value) =>
  Array.isArray(value) && value.every((each) => typeof each !== 'object') ? value.join(',') : value;

/**
 * @param known names of all parameters
 * @returns what the stage's file says of parameters, unless the command line says something else
 * @throws Error that names what is unknown, wherever it stands
 */
async function settingsOf(resolveVariable, known) {
  const given = (await resolveVariable("opt:param, ''")) || [];
  const fromCommand = given.map((each) => each.split('=')[0]);
  refuseUnknown('in --param', fromCommand, known);
  const { path, content } = await fileOf(resolveVariable);
  refuseUnknown(`in ${path}`, Object.keys(content), [...known, ...ofStage]);
  for (const [stage, parameters] of Object.entries((await resolveVariable("self:params, ''")) || {})) {
    refuseUnknown(`in serverless.yml, params.${stage}`, Object.keys(parameters), known);
  }
  const settings = new Map();
  for (const [key, value] of Object.entries(content)) {
    if (value === null) throw plain(`${path} has no value for ${key}. For an empty one write: ${key}: ""`);
    if (key === 'cutOff') throw plain(`${path} may not hold cutOff: it is for one deployment, by --param.`);
    if (!ofStage.includes(key) && !fromCommand.includes(key)) settings.set(key, asParameter(value));
  }
  return { path, settings };
}

/** The region of the stage's file; null where it names none. */
async function region({ resolveVariable }) {
  const { path, content } = await fileOf(resolveVariable);
  const value = content.region ?? null;
  if (value !== null && !/^[a-z]{2,4}(-[a-z]{1,12}){1,3}-\d$/.test(value)) {
    throw plain(`${path}: region is "${value}"; it must be an AWS region, such as eu-west-1.`);
  }
  return value;
}

/** What people are told about the stage's file, and the account that it names. */
async function file({ resolveVariable }) {
  const { path, exists, content } = await fileOf(resolveVariable);
  const { account = '' } = content;
  if (account !== '' && !/^\d{12}$/.test(account)) {
    throw plain(
      `${path}: account is "${account}"; it must be the twelve digits of an AWS account, between quotes.`,
    );
  }
  return { path, exists, account: String(account) };
}

module.exports = { name, region, file, settingsOf, refuseMisnamed, refusePolicyVariables };
