#!/usr/bin/env node
// A Model Context Protocol server on stdio that speaks both eras (2026-07-28, and 2024-11-05 to
// 2025-11-25) without any package. Its tools, prompts and resources have the names that the official
// conformance suite asks for; each tool that needs input of the client asks for it in the way of the
// era in which it was called. Usage: node fixture.mjs
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createInterface } from 'node:readline';
import { content, prompts, ProtocolError, resources, templates, tools } from './fixture_offer.mjs';

const modernVersion = '2026-07-28';
const legacyVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const prefix = 'io.modelcontextprotocol/';
const info = { name: 'greenroom-fixture', version: '1.0.0' };
const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};
const removedMethods = new Set(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe',
  'resources/unsubscribe']);
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const cacheable = { ttlMs: 60000, cacheScope: 'public' };

// The session of legacy clients: one for the process.
const session = { capabilities: {}, level: 'debug', subscriptions: new Set() };
const listeners = new Map(); // By the id of their request, as JSON.
const running = new Map(); // Calls, by the id of their request, as JSON.
const asked = new Map(); // Requests to a legacy client.
let requests = 0;
const key = randomBytes(32);

class RpcError extends Error {
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}
/** Thrown where a modern call needs input that it has not got. */
class InputRequired extends Error {
  constructor(result) {
    super('input required');
    this.result = result;
  }
}

const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n');

/** Tells everybody who wants to know; `wanted` says it of a modern listener. */
function announce(method, params, wanted) {
  if (session.version) send(params ? { method, params } : { method });
  for (const [id, filter] of listeners)
    if (wanted(filter))
      send({ method, params: { ...params, _meta: { [prefix + 'subscriptionId']: JSON.parse(id) } } });
}

const sign = (body) => createHmac('sha256', key).update(body).digest('base64url');
const seal = (state) => {
  const body = Buffer.from(JSON.stringify(state)).toString('base64url');
  return `${body}.${sign(body)}`;
};
function unseal(text) {
  const [body, code] = typeof text === 'string' ? text.split('.', 2) : [];
  const good = body && code && Buffer.from(code), wanted = Buffer.from(sign(body ?? ''));
  if (!good || text !== `${body}.${code}` || good.length !== wanted.length || !timingSafeEqual(good, wanted))
    throw new RpcError(-32602, 'the requestState is not one of mine');
  return JSON.parse(Buffer.from(body, 'base64url').toString());
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const capabilityOf = { 'elicitation/create': 'elicitation', 'sampling/createMessage': 'sampling', 'roots/list': 'roots' };
const answers = {
  'elicitation/create': (value, params) =>
    typeof value.action === 'string' &&
    (value.action !== 'accept' ||
      (isObject(value.content) && (params.requestedSchema.required ?? []).every((name) => name in value.content))),
  'sampling/createMessage': (value) => 'content' in value,
  'roots/list': (value) => Array.isArray(value.roots),
};

/** One call of a client: what the code of tools and prompts sees of it. */
class Call {
  constructor(id, params, modern) {
    Object.assign(this, { id, params, modern, cancelled: false });
    const meta = params._meta ?? {};
    this.token = meta.progressToken;
    this.capabilities = modern ? meta[prefix + 'clientCapabilities'] : session.capabilities;
    this.level = modern ? meta[prefix + 'logLevel'] : session.level;
    this.state = modern && 'requestState' in params ? unseal(params.requestState) : { got: {} };
    if ('inputResponses' in params && !isObject(params.inputResponses))
      throw new RpcError(-32602, 'inputResponses is no object');
  }

  declares(capability) { return isObject(this.capabilities?.[capability]); }

  log(level, data) {
    if (!this.cancelled && this.level && levels.indexOf(level) >= levels.indexOf(this.level))
      send({ method: 'notifications/message', params: { level, logger: 'fixture', data } });
  }

  progress(progress, total) {
    if (this.token === undefined || this.cancelled) return;
    send({ method: 'notifications/progress',
      params: { progressToken: this.token, progress, total, message: `step ${progress} of ${total}` } });
  }

  async sleep(ms) {
    for (const end = Date.now() + ms; Date.now() < end && !this.cancelled;)
      await new Promise((resolve) => setTimeout(resolve, Math.min(25, end - Date.now())));
  }

  /** The client's answers to `wanted`: {name: {method, params}}. */
  async input(wanted, { withState = false } = {}) {
    const missing = Object.values(wanted).map((each) => capabilityOf[each.method]).filter((each) => !this.declares(each));
    if (missing.length > 0) {
      if (!this.modern) throw new Error(`the client has no ${missing.join(', ')}`);
      throw new RpcError(-32021, `the client has not declared ${missing.join(', ')}`,
        { requiredCapabilities: Object.fromEntries(missing.map((each) => [each, {}])) });
    }
    return this.modern ? this.inputInResult(wanted, withState) : this.inputByRequest(wanted);
  }

  inputInResult(wanted, withState) {
    const got = { ...this.state.got }, open = {};
    for (const [name, { method, params }] of Object.entries(wanted)) {
      const value = this.params.inputResponses?.[name];
      if (isObject(value) && answers[method](value, params)) got[name] = value;
      if (!(name in got)) open[name] = { method, params };
    }
    this.state.got = got;
    if (Object.keys(open).length === 0) return got;
    const result = { resultType: 'input_required', inputRequests: open };
    if (withState || Object.keys(got).length > 0) result.requestState = seal({ got, salt: randomBytes(6).toString('hex') });
    throw new InputRequired(result);
  }

  async inputByRequest(wanted) {
    const result = {};
    for (const [name, { method, params }] of Object.entries(wanted)) {
      const id = `fixture-${++requests}`;
      const answer = new Promise((resolve, reject) => asked.set(id, { resolve, reject }));
      send({ id, method, params });
      result[name] = await answer;
    }
    return result;
  }
}

/** What lists show: as it is, but for what only one era has. */
const shown = (items) => items.map(({ run, ...item }) => item);

const discovered = () => ({ supportedVersions: [modernVersion, ...legacyVersions], capabilities, ...cacheable,
  instructions: 'A server for tests.' });

async function callTool(call) {
  const tool = tools.find((each) => each.name === call.params.name);
  if (!tool) throw new RpcError(-32602, `Unknown tool: ${call.params.name}`);
  try {
    return await tool.run(call, call.params.arguments ?? {}, { announce });
  } catch (error) {
    if (error instanceof RpcError || error instanceof InputRequired || error instanceof ProtocolError) throw error;
    return { content: [content.text(error.message)], isError: true };
  }
}

async function getPrompt(call) {
  const prompt = prompts.find((each) => each.name === call.params.name);
  if (!prompt) throw new RpcError(-32602, `Unknown prompt: ${call.params.name}`);
  const missing = (prompt.arguments ?? []).find((each) => each.required && !(each.name in (call.params.arguments ?? {})));
  if (missing) throw new RpcError(-32602, `Missing argument: ${missing.name}`);
  return { messages: await prompt.run(call, call.params.arguments ?? {}) };
}

function readResource(call) {
  const { uri } = call.params;
  for (const each of [...resources, ...templates]) {
    const found = each.run(uri);
    if (found) return { contents: [{ uri, mimeType: each.mimeType, ...found }], ...(call.modern ? cacheable : {}) };
  }
  throw new RpcError(call.modern ? -32602 : -32002, 'Resource not found', { uri });
}

function complete(call) {
  const { ref, argument } = call.params;
  if (ref?.type === 'ref/prompt' && !prompts.some((each) => each.name === ref.name))
    throw new RpcError(-32602, `Unknown prompt: ${ref.name}`);
  const values = ['test', 'testing', 'tester', 'paris', 'park', 'party'].filter((each) => each.startsWith(argument.value));
  return { completion: { values, total: values.length, hasMore: false } };
}

function listen(call) {
  const wanted = call.params.notifications ?? {};
  const { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions } = wanted;
  const filter = { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions };
  const id = JSON.stringify(call.id);
  listeners.set(id, filter);
  send({ method: 'notifications/subscriptions/acknowledged',
    params: { notifications: filter, _meta: { [prefix + 'subscriptionId']: call.id } } });
  return new Promise(() => {}); // Until it is cancelled.
}

const list = (name, items) => (call) => ({ [name]: shown(items), ...(call.modern ? cacheable : {}) });
const both = {
  'tools/list': list('tools', tools),
  'tools/call': callTool,
  'prompts/list': list('prompts', prompts),
  'prompts/get': getPrompt,
  'resources/list': list('resources', resources),
  'resources/templates/list': list('resourceTemplates', templates),
  'resources/read': readResource,
  'completion/complete': complete,
};
const legacyOnly = {
  initialize(call) {
    const { protocolVersion, capabilities: theirs } = call.params;
    session.version = legacyVersions.includes(protocolVersion) ? protocolVersion : legacyVersions[0];
    session.capabilities = theirs ?? {};
    return { protocolVersion: session.version, capabilities, serverInfo: info, instructions: 'A server for tests.' };
  },
  ping: () => ({}),
  'logging/setLevel'(call) {
    if (!levels.includes(call.params.level)) throw new RpcError(-32602, 'no such level');
    session.level = call.params.level;
    return {};
  },
  'resources/subscribe'(call) { session.subscriptions.add(call.params.uri); return {}; },
  'resources/unsubscribe'(call) { session.subscriptions.delete(call.params.uri); return {}; },
};
const modernOnly = { 'server/discover': discovered, 'subscriptions/listen': listen };

/** Whether the request is modern; throws for what a modern one may not be. */
function isModern(method, params) {
  const meta = params._meta ?? {};
  const version = meta[prefix + 'protocolVersion'];
  if (version === undefined && !(method in modernOnly)) return false;
  if (typeof version !== 'string') throw new RpcError(-32602, `_meta has no ${prefix}protocolVersion`);
  if (version !== modernVersion)
    throw new RpcError(-32022, 'Unsupported protocol version', { supported: discovered().supportedVersions, requested: version });
  if (!isObject(meta[prefix + 'clientCapabilities'])) throw new RpcError(-32602, `_meta has no ${prefix}clientCapabilities`);
  return true;
}

async function handle({ id, method, params = {} }) {
  const name = JSON.stringify(id);
  let call;
  try {
    const modern = isModern(method, params);
    const run = (modern ? !removedMethods.has(method) && (modernOnly[method] ?? both[method]) : legacyOnly[method] ?? both[method]);
    if (!run) throw new RpcError(-32601, `Method not found: ${method}`);
    call = new Call(id, params, modern);
    running.set(name, call);
    const result = await run(call);
    if (call.cancelled) return;
    if (modern) Object.assign(result, { resultType: result.resultType ?? 'complete', _meta: { ...result._meta, [prefix + 'serverInfo']: info } });
    send({ id, result });
  } catch (error) {
    if (call?.cancelled) return;
    if (error instanceof InputRequired) send({ id, result: { ...error.result, _meta: { [prefix + 'serverInfo']: info } } });
    else send({ id, error: { code: error.code ?? -32603, message: error.message, data: error.data } });
  } finally {
    running.delete(name);
  }
}

function cancel({ requestId }) {
  const name = JSON.stringify(requestId);
  listeners.delete(name);
  if (running.has(name)) running.get(name).cancelled = true;
  running.delete(name);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    return send({ error: { code: -32700, message: 'not JSON' } });
  }
  if (message.method === undefined) {
    const open = asked.get(message.id);
    asked.delete(message.id);
    if (message.error) open?.reject(new Error(message.error.message));
    else open?.resolve(message.result);
  } else if (message.id !== undefined) {
    handle(message);
  } else if (message.method === 'notifications/cancelled') {
    cancel(message.params);
  }
}).on('close', () => process.exit(0));
