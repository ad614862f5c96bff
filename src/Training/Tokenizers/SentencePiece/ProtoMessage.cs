using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace XInstruct.Training.Tokenizers.SentencePiece;

/// <summary>The fields of a protocol-buffers message, in the order of its bytes (protobuf.dev/programming-guides/encoding).</summary>
internal sealed class ProtoMessage(ReadOnlyMemory<byte> bytes, string file, string path)
{
    public TokenizerFileException Error(string problem) => new(file, path, problem);

    /// <summary>The fields.</summary>
    /// <exception cref="TokenizerFileException">The bytes are cut short or no message.</exception>
    public IEnumerable<Field> Fields()
    {
        for (var at = 0; at < bytes.Length;)
        {
            var start = at;
            var tag = Varint(ref at);
            var (number, kind) = (tag >> 3, (int)(tag & 7));
            if (number is 0 or > 536_870_911) throw Error(string.Create(CultureInfo.InvariantCulture, $"has no field at byte {start}"));
            var content = ReadOnlyMemory<byte>.Empty;
            var value = 0ul;
            switch (kind)
            {
                case 0: value = Varint(ref at); break;
                case 1: content = Take(ref at, 8); break;
                case 2: content = Take(ref at, Varint(ref at)); break;
                case 5: content = Take(ref at, 4); break;
                default: throw Error(string.Create(CultureInfo.InvariantCulture, $"has a field of the unknown wire type {kind} at byte {start}"));
            }

            yield return new Field(this, (int)number, kind, value, content);
        }
    }

    private ulong Varint(ref int at)
    {
        var value = 0ul;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (at == bytes.Length) throw Error("ends inside a number");
            var part = bytes.Span[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return value;
        }

        throw Error(string.Create(CultureInfo.InvariantCulture, $"has a number of more than 64 bits at byte {at}"));
    }

    private ReadOnlyMemory<byte> Take(ref int at, ulong length)
    {
        if (length > (ulong)(bytes.Length - at)) throw Error(string.Create(CultureInfo.InvariantCulture, $"ends inside a field of {length} bytes at byte {at}"));
        var taken = bytes.Slice(at, (int)length);
        at += (int)length;
        return taken;
    }

    private ProtoMessage Inner(string name, ReadOnlyMemory<byte> content) => new(content, file, path.Length == 0 ? name : $"{path}.{name}");

    /// <summary>A field with its number; what it holds is checked when it is asked for by the name shown in errors.</summary>
    internal readonly struct Field(ProtoMessage message, int number, int kind, ulong value, ReadOnlyMemory<byte> content)
    {
        private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

        public int Number => number;

        public ProtoMessage Message(string name) => message.Inner(name, Bytes(name));

        public ReadOnlyMemory<byte> Bytes(string name) => kind == 2 ? content : throw Wrong(name, "bytes");

        public string Text(string name)
        {
            try
            {
                return Strict.GetString(Bytes(name).Span);
            }
            catch (DecoderFallbackException)
            {
                throw Wrong(name, "UTF-8 text");
            }
        }

        public float Float(string name) => kind == 5 ? BinaryPrimitives.ReadSingleLittleEndian(content.Span) : throw Wrong(name, "a number of 32 bits");

        public bool Bool(string name) => kind == 0 ? value != 0 : throw Wrong(name, "true or false");

        public int Int(string name, int min, int max) => kind == 0 && value <= int.MaxValue && (int)value >= min && (int)value <= max
            ? (int)value
            : throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"));

        private TokenizerFileException Wrong(string name, string expected) => message.Inner(name, default).Error($"is not {expected}");
    }
}
