using System.Text.Json;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Tests.Chat;

public sealed class ChatTemplateTests
{
    [Theory]
    [InlineData("{% if true %}\n  a\n{% endif %}\nb\n", "  a\nb")] // the line break after a block goes, so does that at the end
    [InlineData("  {% if true %}x{% endif %}", "x")]
    [InlineData("  {%+ if true %}x{% endif %}", "  x")]
    [InlineData("a {%- if true -%} x {%- endif +%}\nb", "ax\nb")]
    [InlineData("  {{ 1 }}\n  {# c #}\nx", "  1\nx")]
    [InlineData("{% raw %}{{ a }}{% endraw %}", "{{ a }}")]
    [InlineData("a\r\nb", "a\nb")]
    public void Render_WhiteSpace_FollowsTheTrimRules(string template, string expected) => Render(template).ShouldBe(expected);

    [Theory]
    [InlineData("1 + 2 * 3 ** 2 // 4 - 7 % 4", "2")]
    [InlineData("-7 // 2 ~ ' ' ~ -7 % 3 ~ ' ' ~ 7 / 2", "-4 2 3.5")]
    [InlineData("'a' 'b' ~ 1 ~ none ~ true ~ 1.0 ~ 1e20", "ab1NoneTrue1.01e+20")]
    [InlineData("[1, 'x', (2,), {'k': none}]", "[1, 'x', (2,), {'k': None}]")]
    [InlineData("'😀héllo'[1:4] ~ 'abc'[::-1] ~ 'abc'[-1] ~ ('😀é' | length)", "hélcbac2")]
    [InlineData("[1, 2, 3, 4][1:-1] | join('+')", "2+3")]
    [InlineData("1 < 2 < 3 and not 2 in [1] and 'b' not in 'ac'", "True")]
    [InlineData("'x' if false", "")]
    [InlineData("missing.name is defined", null)] // a member of what is not there
    [InlineData("missing is defined or (missing | default('d'))", "d")]
    [InlineData("{'items': 1}['items'] ~ {'a': 1}.a ~ {'a': 1}.get('b', 2) ~ {'a': 1}.b", "112")]
    [InlineData("' a b '.strip().split(' ') | last ~ 'A-b'.lower().replace('-', '+') ~ 'x'.startswith(('y', 'x'))", "ba+bTrue")]
    [InlineData("[3, 1, 2] | sort | reverse | list ~ ([3, 1] | max) ~ ([{'r': 'u'}] | map(attribute='r') | first)", "[3, 2, 1]3u")]
    [InlineData("[1, 2, 3, 4] | select('even') | list ~ [0, 1] | reject | list", "[2, 4][0]")]
    [InlineData("{'b': [1, 'é<'], 'a': none} | tojson", "{\"b\": [1, \"é<\"], \"a\": null}")]
    [InlineData("{'b': []} | tojson(indent=2)", "{\n  \"b\": []\n}")]
    [InlineData("'é' | tojson(ensure_ascii=true)", "\"\\u00e9\"")]
    [InlineData("'the cat' | title ~ 'ab cd' | capitalize ~ ('7' | int + 1)", "The CatAb cd8")]
    [InlineData("4 is divisibleby 2 and 3 is odd and 'a' is string and 1 is not string and [] is iterable", "True")]
    [InlineData("'{} {0} {x}'.format(1, x=2)", "1 1 2")]
    [InlineData("range(2, 8, 3) | list ~ dict(a=1)", "[2, 5]{'a': 1}")]
    [InlineData("(1, 'a') == (1, 'a') and [1] != (1,) and 1 == 1.0 and 1 == true", "True")]
    public void Render_Expression_IsAsInPython(string expression, string? expected)
    {
        if (expected is null) Should.Throw<ChatTemplateException>(() => Render("{{ " + expression + " }}")).Problem.ShouldContain("undefined");
        else Render("{{ " + expression + " }}").ShouldBe(expected);
    }

    [Theory]
    [InlineData("{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "231")] // a loop's names are its own
    [InlineData("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{{ ',' if not loop.last }}{% endfor %}", "a1,b2")]
    [InlineData("{% for i in range(5) if i is odd %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}", "1/2:1 2/2:3 ")]
    [InlineData("{% for i in [] %}x{% else %}none{% endfor %}", "none")]
    [InlineData("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% elif i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "02")]
    [InlineData("{% for i in [1, [2, [3]]] recursive %}{% if i is number %}{{ i }}{% else %}({{ loop(i) }}){% endif %}{% endfor %}", "1(2(3))")]
    [InlineData("{% macro m(a, b=2) %}{{ a }}{{ b }}{{ kwargs }}{% endmacro %}{{ m(1) }}{{ m(1, b=3, c=4) }}", "12{}13{'c': 4}")]
    [InlineData("{% macro m() %}<{{ caller('x') }}>{% endmacro %}{% call(v) m() %}{{ v }}!{% endcall %}", "<x!>")]
    [InlineData("{% set x %}a{{ 1 }} {% endset %}[{{ x }}]{% filter upper | trim %} b {% endfilter %}", "[a1 ]B")]
    [InlineData("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}", "3False")]
    [InlineData("{% set ns = namespace(a=1) %}{% for i in [1, 2] %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}", "4")]
    [InlineData("{% set a, b = 1, 2 %}{{ b }}{{ a }}{% generation %}g{% endgeneration %}", "21g")]
    [InlineData("{{ messages[0].role }}{{ messages | length }}{{ add_generation_prompt }}{{ bos_token }}", "user1False<s>")]
    [InlineData("{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.cycle('a', 'b') }}{{ loop.previtem is defined }} {% endfor %}", "TrueaFalse FalsebTrue TrueaTrue ")]
    public void Render_Statements_GiveTheText(string template, string expected) => Render(template).ShouldBe(expected);

    [Fact]
    public void Render_Time_IsThatOfTheClock()
        => ChatTemplate.Parse("{{ strftime_now('%d %b %Y %-d %H:%M') }}").Render(JsonDocument.Parse("[]").RootElement, clock: new Clock()).ShouldBe("05 Mar 2024 5 07:08");

    [Theory]
    [InlineData("a\n{{ 1 +\n }}", 3, "a value is expected")]
    [InlineData("\n{% if x %}", 2, "'endif' is missing")]
    [InlineData("\n\n{% include 'x' %}", 3, "the tag 'include' is not supported")]
    [InlineData("{% endif %}", 1, "the tag 'endif' is not supported here")]
    [InlineData("{{ 'a", 1, "the string has no end")]
    [InlineData("\n{# c", 2, "the comment has no end")]
    [InlineData("\n{{ x", 2, "has no end")]
    [InlineData("{% break %}", 1, "the tag 'break' is not supported")]
    public void Parse_NoTemplate_NamesTheLine(string template, int line, string problem)
        => Check(Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse(template)), line, problem);

    [Theory]
    [InlineData("\n{{ raise_exception('no ' ~ 1) }}", 2, "no 1")]
    [InlineData("a\nb\n{{ x.y }}", 3, "'x' is undefined")]
    [InlineData("{{ 'a' + 1 }}", 1, "'+' cannot be used with a string and a whole number")]
    [InlineData("\n{{ 1 | nope }}", 2, "the filter 'nope' is not supported")]
    [InlineData("\n{{ 'a' | indent(wide=2) }}", 2, "'indent' does not know the argument 'wide'; it has width, first, blank")]
    [InlineData("{{ ['7'] | map('int', base=16) | list }}", 1, "'int' does not know the argument 'base'; it has default")]
    [InlineData("{{ [1] | map(attribute='a', fallback=1) }}", 1, "'map' does not know the argument 'fallback'; it has attribute, default")]
    [InlineData("{{ 'a' | upper(1) }}", 1, "'upper' is given 1 arguments; it has none")]
    [InlineData("{{ [1] | join('-', d='+') }}", 1, "'join' is given the argument 'd' twice")]
    [InlineData("{{ 1 is nope }}", 1, "the test 'nope' is not supported")]
    [InlineData("{{ 1 // 0 }}", 1, "zero")]
    [InlineData("{{ nope() }}", 1, "'nope' is undefined")]
    [InlineData("{{ [1].append(2) }}", 1, "would change a list")]
    [InlineData("{% set x = 1 %}\n{% set x.y = 2 %}", 2, "not a namespace")]
    public void Render_Error_NamesTheLine(string template, int line, string problem)
        => Check(Should.Throw<ChatTemplateException>(() => Render(template)), line, problem);

    [Theory]
    [InlineData("{% for i in range(99999999999) %}{% endfor %}")]
    [InlineData("{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}")]
    [InlineData("{{ 'x' * 999999999999 }}")]
    [InlineData("{{ [1] * 999999999999 }}")]
    [InlineData("{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('x', 'xx') %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{{ 'x'.ljust(999999999) }}")]
    [InlineData("{{ 'x' | indent(999999999, true) }}")]
    [InlineData("{{ 2 ** 99 }}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(300000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x[:] }}")]
    [InlineData("{% set x = 'a' * 16000000 %}{% for i in range(100000) %}{{ x[0:0] }}{% endfor %}")]
    [InlineData("{% set x = 'a' * 16000000 %}{% for i in range(100000) %}{% set y = x[-1] %}{% endfor %}")]
    [InlineData("{% set x = 'a' * 16000000 %}{% set y = x ~ '' %}{% for i in range(100000) %}{% set z = x == y %}{% endfor %}")]
    [InlineData("{% set x = 'a' * 16000000 %}{% for i in range(100000) %}{% set z = 'b' in x %}{% endfor %}")]
    [InlineData("{% set x = 'a' * 16000000 %}{% for i in range(100000) %}{% set z = x is lower %}{% endfor %}")]
    [InlineData("{% set x = 'a' * 16000000 %}{% for i in range(100000) %}{% set z = {x: 1} %}{% endfor %}")]
    [InlineData("{% for c in 'a' * 16000000 %}{% endfor %}")]
    [InlineData("{{ 'x'.ljust(1000, 'a' * 1000000) }}")]
    [InlineData("{{ ([1] * 1000) | tojson(separators=[',' * 100000, ':']) }}")]
    [InlineData("{{ (('&' * 9000000) | e) | length }}")]
    [InlineData("{{ ['\t' * 9000000] | string | length }}")]
    [InlineData("{{ ('\t' * 9000000) | tojson | length }}")]
    public void Render_HostileTemplate_EndsWithAnError(string template)
        => Should.Throw<ChatTemplateException>(() => Render(template)).Line.ShouldBe(1);

    [Theory]
    [InlineData("{{ 'a text of 30 characters .......'.ljust(10) }}", "a text of 30 characters .......")]
    [InlineData("{{ 'a'.ljust(-2147483648) ~ 'b'.rjust(3, '😀') }}", "a😀😀b")]
    [InlineData("{{ 'a\nb' | indent(-100) }}", "a\nb")]
    [InlineData("{{ [1] | tojson(indent=-100) }}", "[\n1\n]")]
    [InlineData("{{ 'a😀b'[::-1] ~ 'a😀b'[1] ~ 'a😀b'[-1:] ~ (1, 2)[:1] }}", "b😀a😀b(1,)")]
    [InlineData("{{ {'b': 1, 'A': 2} | dictsort }}", "[('A', 2), ('b', 1)]")]
    [InlineData("{{ {'a': 1, 'B': 2} | dictsort(by='value', reverse=true) }}", "[('B', 2), ('a', 1)]")]
    [InlineData("{{ {'a': 1, 'B': 2} | dictsort(true) }}", "[('B', 2), ('a', 1)]")]
    [InlineData("{{ [{'n': 3}, {'n': 1}, {'n': 3}] | min(attribute='n') }}", "{'n': 1}")]
    [InlineData("{{ ['a', 'B'] | max ~ ['a', 'B'] | max(case_sensitive=true) }}", "Ba")]
    [InlineData("{{ [{'n': 3}, {'n': 1}, {'n': 3}] | unique(attribute='n') | list | length }}", "2")]
    public void Render_ArgumentsOfTextsAndFilters_AreRead(string template, string expected) => Render(template).ShouldBe(expected);

    [Fact]
    public void Render_ArgumentThatIsNone_NamesIt()
    {
        Should.Throw<ChatTemplateException>(() => Render("{{ {} | dictsort(by='size') }}")).Problem.ShouldContain("'by'");
        Should.Throw<ChatTemplateException>(() => Render("{{ 'a'.ljust(0, 'ab') }}")).Problem.ShouldContain("'fillchar'");
    }

    [Theory]
    [InlineData("""[{"role":"user","content":"\ud83d"}]""")]
    [InlineData("""[{"\ud83d":"user"}]""")]
    public void Render_LoneSurrogateInJson_IsRefused(string messages)
    {
        using var json = JsonDocument.Parse(messages);
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse("{{ messages }}").Render(json.RootElement)).Problem.ShouldContain("not Unicode");
    }

    [Fact]
    public void Parse_DeepTemplate_EndsWithAnError()
    {
        const int Depth = 100_000;
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse("{{ " + new string('(', Depth) + "1"));
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse("{{ " + new string('-', Depth) + "1 }}"));
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse("{{ 1" + string.Concat(Enumerable.Repeat(" + 1", Depth)) + " }}"));
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse(string.Concat(Enumerable.Repeat("{% if 1 %}", Depth))));
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse("{{ 1 " + string.Concat(Enumerable.Repeat("if 1 else 1 ", Depth)) + " }}"));
    }

    [Fact]
    public void Load_TemplatesByName_AndTheFileBesideThem()
    {
        using var folder = new Folder();
        ChatTemplate.Load(folder.Path).ShouldBeNull();
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), """
            {"bos_token":{"content":"<b>"},"eos_token":"<e>","pad_token":null,"chat_template":[{"name":"default","template":"{{ bos_token }}d"},{"name":"tool_use","template":"{{ eos_token }}t"}]}
            """);
        Text(null).ShouldBe("<b>d");
        Text("tool_use").ShouldBe("<e>t");
        Should.Throw<TokenizerFileException>(() => Text("rag")).Message.ShouldContain("default, tool_use");
        File.WriteAllText(Path.Combine(folder.Path, "chat_template.jinja"), "{{ bos_token }}j{{ messages[0].content }}");
        Text(null).ShouldBe("<b>jHi");
        File.WriteAllText(Path.Combine(folder.Path, "tokenizer_config.json"), "{\"chat_template\":1}");
        Should.Throw<TokenizerFileException>(() => Text(null)).Field.ShouldBe("chat_template");

        string Text(string? name) => (name is null ? ChatTemplate.Load(folder.Path) : ChatTemplate.Load(folder.Path, name)).ShouldNotBeNull().Render([new ChatMessage("user", "Hi")]);
    }

    private static string Render(string template)
        => ChatTemplate.Parse(template, tokens: new Dictionary<string, string> { ["bos_token"] = "<s>" }).Render([new ChatMessage("user", "Hi")]);

    private static void Check(ChatTemplateException error, int line, string problem)
    {
        error.Problem.ShouldContain(problem);
        error.Line.ShouldBe(line);
        error.Message.ShouldStartWith($"chat_template, line {line}: ");
    }

    private sealed class Clock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 3, 5, 7, 8, 9, TimeSpan.Zero);
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("xi-chat-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
