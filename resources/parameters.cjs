/**
 * Deployment parameters, checked and converted: values from the command line are always text.
 * They come from there, else from stages/STAGE.yml, else from serverless.yml, which holds their defaults.
 * Everything else reads `${self:custom.parameters.…}`.
 */
'use strict';

const plain = require('./plain-error.cjs');
const { settingsOf } = require('./stage.cjs');

const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

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

// A pattern of wildcards alone would grant access to every bucket or role of the account.
const namePattern = text(
  /^[a-zA-Z0-9][a-zA-Z0-9.+=,@_-]{2,}\*?$/,
  'a name, or at least three characters and one * at the end, such as dataloop-*',
);

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

const bucketArns = 'empty, or a comma-separated list of bucket ARNs, each once and without wildcards';
const bucketList = short(
  listOf(/^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, bucketArns),
  1_000,
  bucketArns,
);
// Role names may contain commas; here a comma ends the ARN.
const roleArns = 'empty, or a comma-separated list of role ARNs, each once and without wildcards';
const roleList = short(
  listOf(/^arn:aws[a-z-]*:iam::\d{12}:role\/([\w+=.@-]+\/)*[\w+=.@-]{1,64}$/, roleArns),
  1_000,
  roleArns,
);

const keyArn = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;
const keyArns = 'empty, or a comma-separated list of KMS key ARNs (no aliases), each once';

const regionCodes = 'a comma-separated list of AWS regions, each once';
const regionList = short(listOf(/^[a-z]{2,4}(-[a-z]{1,12}){1,2}-\d$/, regionCodes), 300, regionCodes);

const keysOfTags = 'empty, or a comma-separated list of tag keys, each once, with * only at the end of one';
const tagKeyList = short(listOf(/^([\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}\*?|\*)$/u, keysOfTags), 300, keysOfTags);

/**
 * No hyphens: names of a stage end its name with one, so none begins like those of another stage. Buckets of a stage
 * "cross" would begin like the deployment bucket of every stage.
 */
const stage = text(
  /^(?!cross$)[a-z][a-z0-9]{0,14}$/,
  'a lower-case letter, then at most 14 lower-case letters and digits, and not "cross"',
);

const checks = {
  dataloopApiUrl: text(/^https:\/\/[^\s/?#]+(\/[^\s?#]*)?$/, 'an https URL'),
  dataloopConsoleOrigin: text(/^https:\/\/[^\s/?#*]+$/, 'an https origin without a path'),
  dataloopSecretName: text(
    /^[A-Za-z0-9/_+=.@-]{1,512}$/,
    'the name of a Secrets Manager secret, not its ARN',
  ),
  dataloopOrganizationId: text(/^[A-Za-z0-9_-]{0,100}$/, 'empty, or the id of a Dataloop organisation'),
  dataloopAccountId: text(
    /^(\d{12})?$/,
    'empty, or the twelve digits of an AWS account id (in YAML between quotes)',
  ),
  bucketNamePattern: namePattern,
  roleNamePattern: namePattern,
  policyNamePattern: namePattern,
  regions: (value) => {
    const regions = regionList(value);
    if (regions.list.length === 0) throw regionCodes;
    return regions;
  },
  tagKeys: tagKeyList,
  kmsKeyArns: short(listOf(keyArn, keyArns), 1_000, keyArns),
  adoptableBucketArns: (value) => {
    const { text: arns, list } = bucketList(value);
    return { text: arns, list, objects: list.map((arn) => `${arn}/*`) };
  },
  adoptableRoleArns: roleList,
  dataKeyArn: (value) => {
    if (value !== '' && !keyArn.test(String(value))) throw 'empty, or the ARN of a KMS key (no alias)';
    return value;
  },
  apiRequestsPerSecond: integer(1, 10_000),
  apiBurst: integer(1, 5_000),
  looksPerSecond: integer(1, 1_000),
  openPerCaller: integer(1, 100),
  iamUserTimeoutSeconds: integer(10, 86_400),
  logRetentionInDays: (value) => {
    if (!retentionDays.includes(Number(value))) throw `one of ${retentionDays.join(', ')}`;
    return Number(value);
  },
  // As text: CloudFormation compares it, and it goes into the environment.
  denyPlainHttp: (value) => String(trueOrFalse(value)),
  deletionProtection: trueOrFalse,
};

/** Lists go into the environment of every function, which holds 4 KB, and the boundary has room for little more. */
const longestLists = 2_000;

function checkedTogether(parameters) {
  const lists = Object.entries(parameters).filter(([, value]) => typeof value.text === 'string');
  const total = lists.reduce((sum, [, { text: all }]) => sum + all.length, 0);
  if (total <= longestLists) return;
  const names = lists.map(([name]) => name).join(', ');
  throw plain(`The parameters ${names} have ${total} characters together; ${longestLists} fit.`);
}

function checked(what, value, check) {
  try {
    return check(value);
  } catch (rule) {
    if (typeof rule !== 'string') throw rule;
    throw plain(`${what} is "${value}"; it must be ${rule}.`);
  }
}

const arnOfBucket = (name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${name}` });

/** What follows from the parameters and from serverless.yml. */
async function derived({ bucketNamePattern, adoptableBucketArns, kmsKeyArns }, resolveVariable) {
  const given = await resolveVariable("self:provider.deploymentBucket, ''");
  const name = typeof given === 'object' && given !== null ? given.name : given;
  return {
    /** For `Fn::Sub`: the bucket with the code of the functions, whose name CloudFormation makes up or serverless.yml gives. */
    deploymentBucket: name || '\u0024{ServerlessDeploymentBucket}',
    /** All that a role for Dataloop may reach. */
    reach: [
      arnOfBucket(bucketNamePattern),
      arnOfBucket(`${bucketNamePattern}/*`),
      ...adoptableBucketArns.list,
      ...adoptableBucketArns.objects,
      ...kmsKeyArns.list,
    ],
  };
}

module.exports = async ({ resolveVariable }) => {
  checked('The stage', await resolveVariable('sls:stage'), stage);
  const { path, settings } = await settingsOf(resolveVariable, Object.keys(checks));
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const isInFile = settings.has(name);
      const value = isInFile ? settings.get(name) : await resolveVariable(`param:${name}`);
      return [name, checked(`The parameter ${name}${isInFile ? ` in ${path}` : ''}`, value, check)];
    }),
  );
  const parameters = Object.fromEntries(entries);
  checkedTogether(parameters);
  return { ...parameters, ...(await derived(parameters, resolveVariable)) };
};
