import { expect, it } from 'vitest';
import { recognise } from './recognise.ts';

const dump = '-- MySQL dump 10.13  Distrib 8.0.36, for Win64 (x86_64)\n--\n-- Host: localhost    Database: shop\n';

it.each([
  ['as it is', Buffer.from(dump)],
  ['with the line ends of Windows', Buffer.from(dump.replaceAll('\n', '\r\n'))],
  ['with the mark of UTF-8', Buffer.from(`\uFEFF${dump}`)],
  ['with the sandbox', Buffer.from(`/*M!999999\\- enable the sandbox mode */ \n${dump.replace('MySQL', 'MariaDB')}`)],
])('a stock dump is taken %s', (_how, head) => {
  expect(recognise(head)).toEqual({ format: 'plain' });
});

it.each([
  ['UTF-16', Buffer.from(`\uFEFF${dump}`, 'utf16le')],
  ['UTF-16', Buffer.from(`\uFEFF${dump}`, 'utf16le').swap16()],
  ['phpMyAdmin', Buffer.from('-- phpMyAdmin SQL Dump\n-- version 5.2.1\n-- https://www.phpmyadmin.net/\n')],
  ['Adminer', Buffer.from('-- Adminer 4.8.1 MySQL 8.0.36 dump\n\nSET NAMES utf8;\n')],
  ['HeidiSQL', Buffer.from('-- ----\n-- Host:      127.0.0.1\n-- HeidiSQL Version:  12.6.0.6765\n-- ----\n')],
  ['mysqlpump', Buffer.from('-- Dump created by MySQL pump utility, version: 8.0.36, Linux (x86_64)\n')],
  ['XML', Buffer.from('<?xml version="1.0"?>\n<mysqldump xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n')],
])('what something else made of it is refused by its name: %s', (name, head) => {
  expect(recognise(head)).toEqual({ refused: expect.stringContaining(name) });
});

it('what is nothing of the kind is nothing', () => {
  expect(recognise(Buffer.from('hello\n-- phpMyAdmin is a program\n'))).toBeNull();
});
