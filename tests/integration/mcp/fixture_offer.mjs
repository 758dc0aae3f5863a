// What the fixture offers: the tools, prompts, resources and templates that the conformance suite
// (@modelcontextprotocol/conformance) asks for by name, and a few for the node's own tests.

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNgaPgPAAIDAYAanCY7AAAAAElFTkSuQmCC';
const wav = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==';

export const content = {
  text: (text) => ({ type: 'text', text }),
  image: () => ({ type: 'image', data: png, mimeType: 'image/png' }),
  audio: () => ({ type: 'audio', data: wav, mimeType: 'audio/wav' }),
  resource: (uri, mimeType, text) => ({ type: 'resource', resource: { uri, mimeType, text } }),
};
const { text, image, audio, resource } = content;
const said = (...items) => ({ content: items });

const anything = { type: 'object', properties: {} };
const object = (properties, required = Object.keys(properties)) => ({ type: 'object', properties, required });
const readOnly = { readOnlyHint: true, idempotentHint: true };
const tool = (name, description, run, inputSchema = anything, more = {}) =>
  ({ name, description, inputSchema, annotations: readOnly, ...more, run });

// Questions to the client.
const form = (message, properties, required = Object.keys(properties)) =>
  ({ method: 'elicitation/create', params: { message, requestedSchema: { type: 'object', properties, required } } });
const sampling = (question, maxTokens = 100) =>
  ({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: text(question) }], maxTokens } });
const roots = { method: 'roots/list', params: {} };
const name = { name: { type: 'string' } };
const shownAnswer = (answer) => `action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`;

const defaults = {
  name: { type: 'string', description: 'a name', default: 'John Doe' },
  age: { type: 'integer', description: 'an age', default: 30 },
  score: { type: 'number', description: 'a score', default: 95.5 },
  status: { type: 'string', description: 'a state', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', description: 'whether it was verified', default: true },
};
const titled = (...titles) => titles.map((title, i) => ({ const: `value${i + 1}`, title }));
const choices = {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string', oneOf: titled('First', 'Second', 'Third') },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
  untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: titled('First', 'Second', 'Third') } },
};
const everyKeyword = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

const simple = [
  tool('test_simple_text', 'a text', () => said(text('This is a simple text response for testing.'))),
  tool('test_image_content', 'an image', () => said(image())),
  tool('test_audio_content', 'a sound', () => said(audio())),
  tool('test_embedded_resource', 'a resource', () =>
    said(resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'))),
  tool('test_multiple_content_types', 'a text, an image and a resource', () =>
    said(text('Multiple content types test:'), image(),
      resource('test://mixed-content-resource', 'application/json', JSON.stringify({ test: 'data', value: 123 })))),
  tool('test_error_handling', 'always an error', () => {
    throw new Error('This tool intentionally returns an error for testing');
  }),
  tool('json_schema_2020_12_tool', 'a schema with many keywords', (_, given) => said(text(JSON.stringify(given))), everyKeyword),
  tool('test_header_parameter', 'a parameter that is a header too', (_, { region }) => said(text(`region ${region}`)),
    object({ region: { type: 'string', 'x-mcp-header': 'Region' } })),
  tool('test_structured', 'a structured result', () => ({ ...said(text('{"sum":3}')), structuredContent: { sum: 3 } }), anything,
    { title: 'Structured', outputSchema: object({ sum: { type: 'integer' } }) }),
];

const logging = async (call) => {
  for (const line of ['started', 'working', 'completed']) {
    call.log('info', `Tool execution ${line}`);
    await call.sleep(20);
  }
  return said(text('Tool with logging executed successfully'));
};
const noisy = [
  tool('test_tool_with_logging', 'three messages for the log', logging),
  tool('test_logging_tool', 'three messages for the log', logging),
  tool('test_tool_with_progress', 'progress in three steps', async (call) => {
    for (const step of [0, 50, 100]) {
      call.progress(step, 100);
      await call.sleep(20);
    }
    return said(text(String(call.token ?? 0)));
  }),
  tool('test_reconnection', 'a slow answer', async (call) => {
    await call.sleep(200);
    return said(text('Reconnection test completed successfully.'));
  }),
  tool('process', 'the number of this process and a count of its calls', () => said(text(`${process.pid} ${++calls}`)),
    anything, { annotations: { readOnlyHint: false } }),
];
let calls = 0;

const ask = async (call, key, request, options) => (await call.input({ [key]: request }, options))[key];
const asking = [
  tool('test_sampling', 'asks a model', async (call, { prompt }) => {
    const answer = await ask(call, 'answer', sampling(prompt ?? 'Say something'));
    return said(text(`LLM response: ${answer.content?.text ?? ''}`));
  }, object({ prompt: { type: 'string' } })),
  tool('test_elicitation', 'asks the user', async (call, { message }) =>
    said(text(`User response: ${shownAnswer(await ask(call, 'answer', form(message ?? 'Say something', { response: { type: 'string' } })))}`)),
  object({ message: { type: 'string' } })),
  tool('test_list_roots', 'asks for roots', async (call) =>
    said(text((await ask(call, 'client_roots', roots)).roots.map((each) => each.uri).join(' ')))),
  tool('test_elicitation_sep1034_defaults', 'asks with defaults', async (call) =>
    said(text(`Elicitation completed: ${shownAnswer(await ask(call, 'answer', form('Please review', defaults, [])))}`))),
  tool('test_elicitation_sep1330_enums', 'asks with choices', async (call) =>
    said(text(`Elicitation completed: ${shownAnswer(await ask(call, 'answer', form('Please choose', choices, [])))}`))),
  tool('test_missing_capability', 'needs sampling', async (call) =>
    said(text(JSON.stringify(await ask(call, 'answer', sampling('Say something')))))),
  tool('test_streaming_elicitation', 'asks after some progress', async (call) => {
    call.progress(1, 2);
    return said(text(shownAnswer(await ask(call, 'answer', form('Say something', name)))));
  }),
  tool('test_input_required_result_elicitation', 'asks for a name', async (call) => {
    const answer = await ask(call, 'user_name', form('What is your name?', name));
    return said(text(`Hello, ${answer.content?.name ?? 'stranger'}!`));
  }),
  tool('test_input_required_result_sampling', 'asks a model', async (call) =>
    said(text((await ask(call, 'capital_question', sampling('What is the capital of France?'))).content.text))),
  tool('test_input_required_result_list_roots', 'asks for roots', async (call) =>
    said(text((await ask(call, 'client_roots', roots)).roots.map((each) => each.uri).join(' ')))),
  tool('test_input_required_result_request_state', 'asks and checks its state', async (call) => {
    await ask(call, 'confirm', form('Please confirm', { ok: { type: 'boolean' } }), { withState: true });
    return said(text('state-ok'));
  }),
  tool('test_input_required_result_tampered_state', 'refuses a changed state', async (call) => {
    await ask(call, 'confirm', form('Please confirm', { ok: { type: 'boolean' } }), { withState: true });
    return said(text('state-ok'));
  }),
  tool('test_input_required_result_multiple_inputs', 'asks three things at once', async (call) => {
    const got = await call.input({ user_name: form('What is your name?', name), greeting: sampling('Generate a greeting', 50),
      client_roots: roots }, { withState: true });
    return said(text(JSON.stringify(got)));
  }),
  tool('test_input_required_result_multi_round', 'asks twice', async (call) => {
    const first = await ask(call, 'step1', form('Step 1: What is your name?', name), { withState: true });
    const second = await ask(call, 'step2', form('Step 2: What is your favorite color?', { color: { type: 'string' } }), { withState: true });
    return said(text(`${first.content?.name} likes ${second.content?.color}`));
  }),
  tool('test_input_required_result_capabilities', 'asks what the client can answer', async (call) => {
    const wanted = {};
    if (call.declares('sampling')) wanted.answer = sampling('Say something');
    if (call.declares('elicitation')) wanted.user_name = form('What is your name?', name);
    return said(text(JSON.stringify(await call.input(wanted))));
  }),
];

// Calls that take long or ask in the middle, for the tasks extension of the node.
const long = (support) => ({ execution: { taskSupport: support } });
const tasks = [
  tool('greet', 'a greeting at once', (_, given) => said(text(`Hello, ${given.name ?? 'World'}!`)), object({ name: { type: 'string' } })),
  tool('slow_compute', 'a result after some seconds', async (call, { seconds = 1, label = '' }) => {
    await call.sleep(seconds * 1000);
    return said(text(`computed ${label} in ${seconds} s`));
  }, object({ seconds: { type: 'number' }, label: { type: 'string' } }, []), long('optional')),
  tool('failing_job', 'an error after a second', async (call) => {
    await call.sleep(1000);
    throw new Error('this job always fails');
  }, anything, long('required')),
  tool('protocol_error_job', 'an error of the protocol', async (call) => {
    await call.sleep(200);
    throw new ProtocolError('this job breaks the protocol');
  }, anything, long('required')),
  tool('confirm_delete', 'asks before it does nothing', async (call, { filename = 'a file' }) =>
    said(text(shownAnswer(await ask(call, 'confirm', form(`Delete ${filename}?`, { confirm: { type: 'boolean' } }, []))))),
  object({ filename: { type: 'string' } }, []), long('optional')),
  tool('multi_input', 'asks two things at once', async (call) =>
    said(text(JSON.stringify(await call.input({ first: form('First?', name, []), second: form('Second?', name, []) })))),
  anything, long('optional')),
  tool('test_tool_with_task', 'asks, then takes long', async (call) => {
    const answer = await ask(call, 'user_name', form('What is your name?', name), { withState: true });
    await call.sleep(500);
    return said(text(`Hello, ${answer.content?.name}!`));
  }, anything, long('required')),
];
/** Leaves the tool as an error of JSON-RPC. */
export class ProtocolError extends Error {}

const dynamic = tool('test_dynamic_tool', 'is there every other time', () => said(text('here')));
const dynamicPrompt = { name: 'test_dynamic_prompt', description: 'is there every other time',
  run: () => [{ role: 'user', content: text('here') }] };
const toggle = (items, item) => {
  const at = items.indexOf(item);
  if (at < 0) items.push(item);
  else items.splice(at, 1);
};
const changing = [
  tool('test_trigger_tool_change', 'changes the list of tools', (_call, _given, { announce }) => {
    toggle(tools, dynamic);
    announce('notifications/tools/list_changed', undefined, (filter) => filter.toolsListChanged);
    return said(text('changed'));
  }),
  tool('test_trigger_prompt_change', 'changes the list of prompts', (_call, _given, { announce }) => {
    toggle(prompts, dynamicPrompt);
    announce('notifications/prompts/list_changed', undefined, (filter) => filter.promptsListChanged);
    return said(text('changed'));
  }),
  tool('test_trigger_resource_update', 'changes the watched resource', (_call, _given, { announce }) => {
    const uri = 'test://watched-resource';
    ++watched;
    announce('notifications/resources/updated', { uri }, (filter) => filter.resourceSubscriptions?.includes(uri));
    return said(text('changed'));
  }),
];
let watched = 0;

export const tools = [...simple, ...noisy, ...asking, ...tasks, ...changing];

const fixed = (uri, label, mimeType, read) =>
  ({ uri, name: label, description: `a ${label} resource`, mimeType, run: (asked) => (asked === uri ? read() : undefined) });
export const resources = [
  fixed('test://static-text', 'static-text', 'text/plain', () => ({ text: 'This is the content of the static text resource.' })),
  fixed('test://static-binary', 'static-binary', 'image/png', () => ({ blob: png })),
  fixed('test://watched-resource', 'watched-resource', 'text/plain', () => ({ text: `Watched resource content ${watched}` })),
];
export const templates = [{
  uriTemplate: 'test://template/{id}/data', name: 'template', description: 'a resource for each id', mimeType: 'application/json',
  run(uri) {
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
    return id && { text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) };
  },
}];

const user = (...items) => items.map((item) => ({ role: 'user', content: item }));
const argument = (label) => ({ name: label, description: `the ${label}`, required: true });
export const prompts = [
  { name: 'test_simple_prompt', description: 'a prompt', run: () => user(text('This is a simple prompt for testing.')) },
  { name: 'test_prompt_with_arguments', description: 'a prompt with arguments', arguments: [argument('arg1'), argument('arg2')],
    run: (_, given) => user(text(`Prompt with arguments: arg1='${given.arg1}', arg2='${given.arg2}'`)) },
  { name: 'test_prompt_with_embedded_resource', description: 'a prompt with a resource', arguments: [argument('resourceUri')],
    run: (_, given) => user(resource(given.resourceUri, 'text/plain', 'Embedded resource content for testing.'),
      text('Please process the embedded resource above.')) },
  { name: 'test_prompt_with_image', description: 'a prompt with an image', run: () => user(image(), text('Please analyze the image above.')) },
  { name: 'test_input_required_result_prompt', description: 'a prompt that asks', async run(call) {
    const answer = await ask(call, 'user_context', form('What context should the prompt use?', { context: { type: 'string' } }));
    return user(text(`Context: ${answer.content?.context}`));
  } },
];
