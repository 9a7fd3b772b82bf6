/* Draws a picture, writes it as PNG and JPEG, reads both again, and makes the picture smaller. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_NO_SIMD
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include "generated.h"
#include "stb_image.h"
#include "stb_image_resize.h"
#include "stb_image_write.h"

enum { WIDTH = 512, HEIGHT = 384, LIMIT = WIDTH * HEIGHT * 8, ROUNDS = 144 };

static unsigned char picture[WIDTH * HEIGHT * 3], file[LIMIT], half[WIDTH * HEIGHT];
static size_t file_size;

static void append(void *context, void *bytes, int size) {
    (void)context;
    memcpy(file + file_size, bytes, (size_t)size);
    file_size += (size_t)size;
}

static void show(const char *name) {
    int width = 0, height = 0, channels = 0;
    unsigned char *read = NULL;
    for (int round = 0; round < ROUNDS; round++) {
        stbi_image_free(read);
        read = stbi_load_from_memory(file, (int)file_size, &width, &height, &channels, 3);
        if (!read) exit(1);
    }
    stbir_resize_uint8(read, width, height, 0, half, width / 2, height / 2, 0, 3);
    printf("%s: %zu bytes, %d x %d, %016llx, half %016llx\n", name, file_size, width, height,
           (unsigned long long)checksum(read, (size_t)(width * height * 3)),
           (unsigned long long)checksum(half, (size_t)(width / 2 * (height / 2) * 3)));
    stbi_image_free(read);
}

int main(void) {
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            unsigned char *pixel = picture + (y * WIDTH + x) * 3;
            pixel[0] = (unsigned char)(x * y / 300 + random_below(8));
            pixel[1] = (unsigned char)((x ^ y) / 2);
            pixel[2] = (unsigned char)((x / 32 + y / 32) % 2 ? 200 : 40 + y / 4);
        }
    stbi_write_png_to_func(append, NULL, WIDTH, HEIGHT, 3, picture, WIDTH * 3);
    show("PNG");
    file_size = 0;
    stbi_write_jpg_to_func(append, NULL, WIDTH, HEIGHT, 3, picture, 85);
    show("JPEG");
    return 0;
}
