"""Writes a llama model of random weights (some 500 kB) that llama.cpp loads: tiny_model.py OUT.gguf. Needs the PyPI package `gguf`.

The vocabulary is 256 bytes, ASCII characters and short made-up words; the raw bytes are never sampled, so that answers are readable words.
Answers are the same each time at temperature 0.
"""
import random
import sys

import gguf
import numpy

WIDTH, LAYERS, HEADS, CONTEXT, WORDS, SEED = 64, 2, 4, 4096, 192, 7


def vocabulary():
    kind = gguf.TokenType
    tokens = [("<unk>", 0, kind.UNKNOWN), ("<s>", 0, kind.CONTROL), ("</s>", 0, kind.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", 0, kind.BYTE) for byte in range(256)]
    plain = len(tokens)
    tokens += [("\u2581", -1, kind.NORMAL)] + [(chr(code), -2, kind.NORMAL) for code in range(33, 127)]
    words = [first + vowel + last for first in "bcdfghklmnprstvw" for vowel in "aeiou" for last in "nrst"]
    random.Random(SEED).shuffle(words)
    tokens += [("\u2581" + word, -3 - number / 1000, kind.NORMAL) for number, word in enumerate(words[:WORDS])]
    return tokens + [("<|im_start|>", 0, kind.CONTROL), ("<|im_end|>", 0, kind.CONTROL)], plain


def describe(writer, tokens):
    size = len(tokens)
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(WIDTH * 3)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([text.encode() for text, _, _ in tokens])
    writer.add_token_scores([float(score) for _, score, _ in tokens])
    writer.add_token_types([int(kind) for _, _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(size - 1)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(True)
    writer.add_chat_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def main(path):
    chance = numpy.random.default_rng(SEED)

    def weights(*shape):
        return (chance.standard_normal(shape) / numpy.sqrt(shape[-1])).astype(numpy.float32)

    tokens, plain = vocabulary()
    size, keys, flat = len(tokens), WIDTH // HEADS * (HEADS // 2), numpy.ones(WIDTH, numpy.float32)
    writer = gguf.GGUFWriter(path, "llama")
    describe(writer, tokens)
    writer.add_tensor("token_embd.weight", weights(size, WIDTH) * 4)
    output = weights(size, WIDTH) * 6
    output[:plain + 95] = 0
    output[size - 2] = 0
    output[size - 1] *= 0.5
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", flat)
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        for part in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{name}{part}.weight", flat)
        for part, shape in {"attn_q": (WIDTH, WIDTH), "attn_k": (keys, WIDTH), "attn_v": (keys, WIDTH), "attn_output": (WIDTH, WIDTH),
                            "ffn_gate": (WIDTH * 3, WIDTH), "ffn_up": (WIDTH * 3, WIDTH), "ffn_down": (WIDTH, WIDTH * 3)}.items():
            writer.add_tensor(f"{name}{part}.weight", weights(*shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
