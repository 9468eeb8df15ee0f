//! Pictures of people: read, cropped to a square, made small and written anew, so that nothing
//! of the file that was sent is kept but what can be seen. Where it was taken, with which
//! camera, and whatever else rode along, goes.

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::FilterType,
};
use kernel::{Error, Result};
use std::io::Cursor;

/// The longest file that is read, in bytes.
pub(crate) const LARGEST: usize = 5 * 1024 * 1024;
/// The sides of the two squares, in pixels: beside a profile, and in a row.
pub(crate) const SIDES: [u32; 2] = [256, 64];
/// The longest side that is unpacked: a small file can hold a huge picture.
const LONGEST_SIDE: u32 = 12_000;
/// And the most memory that unpacking it may take.
const MEMORY: u64 = 200 * 1024 * 1024;
const PIXELS: u64 = 40_000_000;

/// A picture made anew.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) bytes: Vec<u8>,
    /// The end of a file's name.
    pub(crate) ending: &'static str,
}

/// Makes both squares. Heavy: not for the threads that answer requests.
pub(crate) fn squares(sent: &[u8]) -> Result<[Picture; 2]> {
    let whole = read(sent)?;
    let side = whole.width().min(whole.height());
    let (x, y) = ((whole.width() - side) / 2, (whole.height() - side) / 2);
    let square = whole.crop_imm(x, y, side, side);
    drop(whole);
    let [large, small] = SIDES.map(|side| {
        let small = square.resize_exact(side, side, FilterType::CatmullRom);
        write(&small)
    });
    Ok([large?, small?])
}

fn read(sent: &[u8]) -> Result<DynamicImage> {
    let refused = || {
        Error::field(
            "file",
            "media_type_refused",
            "This is no picture that can be used. Send a JPEG, PNG or WebP.",
        )
    };
    let too_many = || {
        Error::field(
            "file",
            "too_many_pixels",
            "This picture has too many pixels. At most 40 million are taken.",
        )
    };
    let mut reader = ImageReader::new(Cursor::new(sent))
        .with_guessed_format()
        .map_err(|_| refused())?;
    if !matches!(
        reader.format(),
        Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)
    ) {
        return Err(refused());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| match error {
        image::ImageError::Limits(_) => too_many(),
        _ => refused(),
    })?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(too_many());
    }
    // A phone says which way it was held instead of turning the picture.
    let orientation = decoder.orientation().map_err(|_| refused())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| match error {
        image::ImageError::Limits(_) => too_many(),
        _ => refused(),
    })?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn write(picture: &DynamicImage) -> Result<Picture> {
    let mut bytes = Vec::new();
    let clear =
        picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < 255);
    let written = if clear {
        DynamicImage::from(picture.to_rgba8())
            .write_with_encoder(PngEncoder::new(&mut bytes))
            .map(|()| "png")
    } else {
        DynamicImage::from(picture.to_rgb8())
            .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 85))
            .map(|()| "jpg")
    };
    let ending = written.map_err(|error| anyhow::Error::new(error).context("a picture"))?;
    Ok(Picture { bytes, ending })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// Left half red, right half blue, in a format.
    fn flag(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, _| {
            if x < width / 2 {
                Rgb([200, 0, 0])
            } else {
                Rgb([0, 0, 200])
            }
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn any_picture_becomes_two_squares_from_its_middle() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let made = squares(&flag(600, 200, format)).unwrap();
            for (picture, side) in made.iter().zip(SIDES) {
                let read = image::load_from_memory(&picture.bytes).unwrap().to_rgb8();
                assert_eq!((read.width(), read.height()), (side, side));
                assert!(read.get_pixel(1, side / 2).0[0] > 150, "left is red");
                assert!(
                    read.get_pixel(side - 2, side / 2).0[2] > 150,
                    "right is blue"
                );
                assert_eq!(picture.ending, "jpg");
            }
        }
    }

    #[test]
    fn nothing_of_the_file_is_kept_but_what_can_be_seen() {
        let mut sent = flag(100, 100, ImageFormat::Jpeg);
        // A comment, right after the start of the picture (ITU-T T.81 B.2.4.5).
        let secret = b"taken at 48.2082 N 16.3738 E";
        let length = u16::try_from(secret.len() + 2).unwrap().to_be_bytes();
        let comment = [&[0xff, 0xfe][..], &length, secret].concat();
        sent.splice(2..2, comment);
        let made = squares(&sent).unwrap();
        for picture in made {
            let kept = picture
                .bytes
                .windows(secret.len())
                .any(|part| part == secret);
            assert!(!kept);
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for sent in [
            &b""[..],
            b"<svg onload=alert(1)>",
            b"GIF89a\x01\0\x01\0",
            b"\xff\xd8\xff\xe0",
        ] {
            assert!(matches!(squares(sent), Err(Error::Invalid(_))));
        }
    }

    #[test]
    fn a_small_file_with_a_huge_picture_is_not_unpacked() {
        // An 8-bit grey PNG whose header claims 60,000 by 60,000.
        let mut header = b"IHDR".to_vec();
        header.extend(60_000_u32.to_be_bytes());
        header.extend(60_000_u32.to_be_bytes());
        header.extend([8, 0, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&header);
        let mut sent = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        sent.extend(&header);
        sent.extend(crc.sum().to_be_bytes());
        let Err(Error::Invalid(faults)) = squares(&sent) else {
            panic!("unpacked")
        };
        assert_eq!(faults[0].code, "too_many_pixels");
    }
}
